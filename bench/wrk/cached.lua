-- All requests are equal: wrk formats the request once and calls no script.
wrk.path = "/v1/fibonacci/1000"
