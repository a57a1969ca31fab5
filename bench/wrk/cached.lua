-- Every request asks for the same: wrk formats it once and calls no script.
wrk.path = "/v1/fibonacci/1000"
