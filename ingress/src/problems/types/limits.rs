//! Limits of size, time and number.

abacus_http::problem_types! {
    QUOTA_EXCEEDED: TOO_MANY_REQUESTS, "quota-exceeded", "Your quota is used up",
        "The caller has asked for more than its quota, or has too many requests in flight. The member \
         `violated-policies` names the limit.",
        "Wait as long as `Retry-After` says; the `RateLimit` fields of every answer tell the remaining quota. The \
         cost of a computation grows with the work: many small computations cost as much as a large one.",
        Safe;
    TEMPORARY_REDUCED_CAPACITY: SERVICE_UNAVAILABLE, "temporary-reduced-capacity",
        "The server is busy",
        "More work is in flight than the server finishes in the allowed time. Nothing was computed.",
        "Wait as long as `Retry-After` says.",
        Safe;
    URL_TOO_LONG: URI_TOO_LONG, "url-too-long", "The URL is too long",
        "The path and the query are longer than the limit of the server.",
        "Send the operands in a body: `POST /v1/computations`.",
        Useless;
    HEADERS_TOO_LARGE: REQUEST_HEADER_FIELDS_TOO_LARGE, "headers-too-large",
        "The headers are too large",
        "The headers of the request are larger than the limit of the server.",
        "Send fewer or shorter headers.",
        Useless;
    BODY_TOO_SLOW: REQUEST_TIMEOUT, "body-too-slow", "The body did not arrive in time",
        "The body did not arrive within the time limit of a request.",
        "Send the body faster, or in smaller requests.",
        Safe;
}
