-- Precedes every load. Prints one line for the measuring program after a run.
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'abacus-bench: {"micros":%d,"requests":%d,"p50_micros":%d,"p99_micros":%d,' ..
    '"errors":{"connect":%d,"read":%d,"write":%d,"timeout":%d,"status":%d}}\n',
    summary.duration, summary.requests, latency:percentile(50), latency:percentile(99),
    errors.connect, errors.read, errors.write, errors.timeout, errors.status))
end
