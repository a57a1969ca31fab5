-- Every request asks for a power that nobody has asked for: /v1/pow/{base}/3.
-- Arguments: a base that no earlier run has reached, and how many threads share the bases above it.
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

local before, after, base, step

-- The request is formatted once: what wrk burns here, the system under test lacks.
function init(args)
  base, step = tonumber(args[1]) + number, tonumber(args[2])
  before, after = wrk.format("GET", "/v1/pow/BASE/3"):match("^(.-)BASE(.*)$")
end

function request()
  base = base + step
  return before .. string.format("%d", base) .. after
end
