//! Malformed HTTP requests, and unknown resources.

abacus_http::problem_types! {
    MALFORMED_JSON: BAD_REQUEST, "malformed-json", "The body is not JSON",
        "The server could not read the body as JSON.",
        "Correct the body; `detail` names the error and its position.",
        Useless;
    INVALID_BODY: UNPROCESSABLE_ENTITY, "invalid-body", "The body is not a computation",
        "The body is JSON, but does not have the expected form.",
        "Send only the members in the API description; `detail` names the error.",
        Useless;
    INCOMPLETE_BODY: BAD_REQUEST, "incomplete-body", "The body is incomplete",
        "The body ended before its announced length.",
        "Send as many bytes as `Content-Length` announces.",
        Safe;
    UNSUPPORTED_MEDIA_TYPE: UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type",
        "The type of the body is not supported",
        "The `Content-Type` of the body is missing, or is not JSON.",
        "Send JSON with `Content-Type: application/json`.",
        Useless;
    UNSUPPORTED_CONTENT_CODING: UNSUPPORTED_MEDIA_TYPE, "unsupported-content-coding",
        "The coding of the body is not supported",
        "The body has a content coding: `Content-Encoding` is not `identity`.",
        "Send the body as it is, without `Content-Encoding`.",
        Useless;
    BODY_TOO_LARGE: PAYLOAD_TOO_LARGE, "body-too-large", "The body is too large",
        "The body is larger than the server reads.",
        "Send at most as many bytes as the member `limit` says.",
        Useless;
    REQUEST_TOO_LARGE: PAYLOAD_TOO_LARGE, "request-too-large", "The request is too large",
        "The request is well-formed, but the event log takes no record of this size.",
        "Send smaller operands.",
        Useless;
    INVALID_HOST: BAD_REQUEST, "invalid-host", "The host of the request is invalid",
        "The header `Host` is missing, repeated or invalid, or the URL of the request names an invalid host.",
        "Send one header `Host` with the name of the server, and with the port where needed.",
        Useless;
    MALFORMED_TRANSFER_ENCODING: BAD_REQUEST, "malformed-transfer-encoding",
        "The transfer coding is malformed",
        "The header `Transfer-Encoding` has the coding `chunked` more than once, or an empty coding.",
        "Send `Transfer-Encoding: chunked` or `Content-Length`.",
        Useless;
    UNSUPPORTED_TRANSFER_CODING: NOT_IMPLEMENTED, "unsupported-transfer-coding",
        "The transfer coding is not supported",
        "The header `Transfer-Encoding` has a coding besides `chunked`.",
        "Send `Transfer-Encoding: chunked` or `Content-Length`.",
        Useless;
    UNKNOWN_EXPECTATION: EXPECTATION_FAILED, "unknown-expectation",
        "The expectation cannot be met",
        "The header `Expect` has an expectation other than `100-continue`.",
        "Send `Expect: 100-continue`, or no `Expect`.",
        Useless;
    PRECONDITION_FAILED: PRECONDITION_FAILED, "precondition-failed",
        "The resource has another tag",
        "The header `If-Match` does not name the entity tag of the resource. Nothing was done. Tags are compared \
         strongly: a weak tag never matches, and many resources have no tag.",
        "Send the strong `ETag` of an answer of this resource, or no `If-Match`.",
        Useless;
    MALFORMED_URL: BAD_REQUEST, "malformed-url", "The URL cannot be read",
        "The path or the query is not percent-encoded UTF-8.",
        "Encode the URL as RFC 3986 says, in UTF-8.",
        Useless;
    INVALID_PARAMETER: BAD_REQUEST, "invalid-parameter", "A parameter is invalid",
        "A query parameter is unknown, repeated, or has an invalid value.",
        "Correct the parameter in the member `parameter`, as `detail` says.",
        Useless;
    TOO_LONG_FOR_HEX: UNPROCESSABLE_ENTITY, "too-long-for-hex",
        "The result is too long for hexadecimal",
        "The result has too many digits for a conversion to hexadecimal.",
        "Ask for the decimal result: leave `format` out.",
        Useless;
    NO_SUCH_RANGE: RANGE_NOT_SATISFIABLE, "no-such-range", "The range does not exist",
        "The result is shorter than the start of the requested `Range`.",
        "`Content-Range` tells the number of bytes of the result.",
        Useless;
    BATCH_SIZE: UNPROCESSABLE_ENTITY, "batch-size",
        "The batch has too many computations, or none",
        "A batch is empty, or has more computations than the limit.",
        "Send several batches; `detail` tells the limit.",
        Useless;
    MALFORMED_ID: BAD_REQUEST, "malformed-id", "The request id is not a UUID",
        "The id in the path is not a UUID.",
        "Use the id of the answer: the member `request_id`, or the header `X-Request-Id`.",
        Useless;
    NO_SUCH_COMPUTATION: NOT_FOUND, "no-such-computation", "The request is not known",
        "No request has this id, or the caller may not read the request.",
        "Check the id. A request of the last seconds may not have reached the request log yet.",
        Safe;
    NO_SUCH_PATH: NOT_FOUND, "no-such-path", "The path does not exist",
        "The server has no resource at this path.",
        "`/docs` shows every path, and `GET /v1/operations` lists the operations with their paths.",
        Useless;
    NO_SUCH_PROBLEM: NOT_FOUND, "no-such-problem", "The problem type does not exist",
        "The server has no problem type with this code.",
        "`/problems` lists all problem types.",
        Useless;
    METHOD_NOT_ALLOWED: METHOD_NOT_ALLOWED, "method-not-allowed", "The method is not allowed",
        "The resource exists, but does not support this method.",
        "Use a method from the header `Allow`.",
        Useless;
    NOT_ACCEPTABLE: NOT_ACCEPTABLE, "not-acceptable", "No acceptable form of answer",
        "The header `Accept` excludes every form of the answer.",
        "Accept `application/json` or `text/plain`, or send no `Accept`.",
        Useless;
}
