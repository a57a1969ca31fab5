//! What is wrong with an HTTP request.

problem_types! {
    MALFORMED_JSON: BAD_REQUEST, "malformed-json", "The body is not JSON",
        "The body could not be read as JSON.",
        "Correct the body; `detail` says what is wrong, and where.",
        Useless;
    INVALID_BODY: UNPROCESSABLE_ENTITY, "invalid-body", "The body is not a computation",
        "The body is JSON, but not of the form that is read here.",
        "Send the members that the API's description lists, and no others; `detail` says what is \
         wrong.",
        Useless;
    INCOMPLETE_BODY: BAD_REQUEST, "incomplete-body", "The body is incomplete",
        "The body ended before its announced length.",
        "Send as much as `Content-Length` announces.",
        Safe;
    UNSUPPORTED_MEDIA_TYPE: UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type",
        "The body's type is not supported",
        "The body is announced as something other than JSON, or as nothing.",
        "Send JSON, and `Content-Type: application/json` with it.",
        Useless;
    BODY_TOO_LARGE: PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large",
        "The body is larger than this service reads.",
        "Send at most as many bytes as the member `limit` says.",
        Useless;
    REQUEST_TOO_LARGE: PAYLOAD_TOO_LARGE, "request-too-large", "The request is too large",
        "The request was read, but is larger than the event log takes.",
        "Send smaller operands.",
        Useless;
    MALFORMED_URL: BAD_REQUEST, "malformed-url", "The URL cannot be read",
        "The path or the query is not percent-encoded UTF-8.",
        "Encode the URL as RFC 3986 says, in UTF-8.",
        Useless;
    INVALID_PARAMETER: BAD_REQUEST, "invalid-parameter", "A parameter cannot be used",
        "A parameter of the query is unknown, repeated, or not what it must be.",
        "Correct the parameter that the member `parameter` names, as `detail` says.",
        Useless;
    TOO_LONG_FOR_HEX: UNPROCESSABLE_ENTITY, "too-long-for-hex",
        "The result is too long for hexadecimal",
        "The result has more digits than this service writes in hexadecimal.",
        "Ask for it in decimal: leave `format` out.",
        Useless;
    NO_SUCH_RANGE: RANGE_NOT_SATISFIABLE, "no-such-range", "There are no such bytes",
        "The result is shorter than the header `Range` supposes.",
        "`Content-Range` says how many bytes there are.",
        Useless;
    BATCH_SIZE: UNPROCESSABLE_ENTITY, "batch-size",
        "The batch has too many computations, or none",
        "A batch has a fixed greatest size, and is never empty.",
        "Send several batches; `detail` says how many computations one may have.",
        Useless;
    MALFORMED_ID: BAD_REQUEST, "malformed-id", "The request id is not a UUID",
        "The id in the path is not a UUID.",
        "Use the id as it was given: the member `request_id`, or the header `X-Request-Id`.",
        Useless;
    NO_SUCH_COMPUTATION: NOT_FOUND, "no-such-computation", "The request is not known",
        "There is no request with this id, or it is not yours to read.",
        "Check the id. A request that was made within the last seconds may still be on its way \
         into the log.",
        Safe;
    NO_SUCH_PATH: NOT_FOUND, "no-such-path", "There is nothing here",
        "This path leads nowhere.",
        "`/docs` shows every path, and `GET /v1/operations` what can be computed, and where.",
        Useless;
    NO_SUCH_PROBLEM: NOT_FOUND, "no-such-problem", "There is no such problem type",
        "This service has no problem type of that code.",
        "`/problems` lists them all.",
        Useless;
    METHOD_NOT_ALLOWED: METHOD_NOT_ALLOWED, "method-not-allowed", "The method is not allowed",
        "The resource is there, but does not take this method.",
        "Use one of the methods in the header `Allow`.",
        Useless;
    NOT_ACCEPTABLE: NOT_ACCEPTABLE, "not-acceptable", "No acceptable form of answer",
        "The header `Accept` leaves no form in which this service could answer.",
        "Accept `application/json` or `text/plain`, or send no `Accept`.",
        Useless;
}
