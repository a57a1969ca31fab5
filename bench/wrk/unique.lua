-- Every request asks for a new power: /v1/pow/{base}/3.
-- Arguments: a base above all bases of earlier runs, and the number of threads.
local threads = 0

function setup(thread)
  thread:set("number", threads)
  threads = threads + 1
end

local before, after, base, step

-- The request is formatted once, as CPU time of wrk is missing in the system under test.
function init(args)
  base, step = tonumber(args[1]) + number, tonumber(args[2])
  before, after = wrk.format("GET", "/v1/pow/BASE/3"):match("^(.-)BASE(.*)$")
end

function request()
  base = base + step
  return before .. string.format("%d", base) .. after
end
