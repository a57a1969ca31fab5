//! What is too much at a time.

problem_types! {
    QUOTA_EXCEEDED: TOO_MANY_REQUESTS, "quota-exceeded", "Your quota is used up",
        "You have asked for more than your share in a while, or for too much at a time. The member \
         `violated-policies` names the limit.",
        "Wait as long as `Retry-After` says; the `RateLimit` fields of every answer say what is \
         left. A computation costs by its work: many small ones cost as much as one large one.",
        Safe;
    TEMPORARY_REDUCED_CAPACITY: SERVICE_UNAVAILABLE, "temporary-reduced-capacity",
        "The server is busy",
        "More work is under way than is done in the time allowed. Nothing was computed.",
        "Wait as long as `Retry-After` says.",
        Safe;
    URL_TOO_LONG: URI_TOO_LONG, "url-too-long", "The URL is too long",
        "The path and the query are longer than this service reads.",
        "Send the operands in a body: `POST /v1/computations`.",
        Useless;
    HEADERS_TOO_LARGE: REQUEST_HEADER_FIELDS_TOO_LARGE, "headers-too-large",
        "The headers are too large",
        "The request has more or longer headers than this service reads.",
        "Send fewer or shorter headers.",
        Useless;
    BODY_TOO_SLOW: REQUEST_TIMEOUT, "body-too-slow", "The body did not come in time",
        "The body did not arrive in the time that a request may take.",
        "Send it faster, or in smaller requests.",
        Safe;
}
