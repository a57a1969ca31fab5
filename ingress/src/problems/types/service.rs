//! The state of the service, and of the systems behind the service.

abacus_http::problem_types! {
    TOO_MANY_WAITING: SERVICE_UNAVAILABLE, "too-many-waiting", "The server is busy",
        "The largest allowed number of requests wait for their results.",
        "Try again in a moment. With `Prefer: respond-async` a request waits only until it is accepted.",
        Safe;
    EVENT_LOG_UNREACHABLE: SERVICE_UNAVAILABLE, "event-log-unreachable", "The event log is away",
        "The server cannot reach the event log, which carries requests to the processors. Nothing was \
         computed.",
        "Try again in a moment.",
        Safe;
    QUEUE_FULL: SERVICE_UNAVAILABLE, "queue-full", "The server is busy",
        "The queue of requests to the event log is full. Nothing was computed.",
        "Try again in a moment.",
        Safe;
    NOT_SENT: SERVICE_UNAVAILABLE, "not-sent", "The request was not sent",
        "The event log did not take the request. Nothing was computed.",
        "Try again in a moment.",
        Safe;
    NOT_WRITTEN: SERVICE_UNAVAILABLE, "not-written", "The request was not written",
        "The event log did not acknowledge the request, but may have written the request.",
        "Try again in a moment.",
        MayRepeat;
    UNCONFIRMED: SERVICE_UNAVAILABLE, "unconfirmed", "The request was not confirmed",
        "The event log did not confirm the request in time, but may have written the request.",
        "Try again in a moment.",
        MayRepeat;
    REQUEST_LOG_UNAVAILABLE: SERVICE_UNAVAILABLE, "request-log-unavailable",
        "The request log is away",
        "The server cannot reach the database of past requests, or the database took too long. Computing \
         continues without the database.",
        "Try again later. If a list took too long, narrow the list by `from` and `to`, or by a smaller \
         `limit`.",
        Safe;
    REQUEST_LOG_BEHIND: SERVICE_UNAVAILABLE, "request-log-behind", "The request log is behind",
        "The database of past requests does not have the request, and lacks some requests of the last \
         minutes. Every accepted request will arrive in the database.",
        "Ask for the same request again in a moment, or wait: `Prefer: wait=30`.",
        Safe;
    EXPIRED: GATEWAY_TIMEOUT, "expired", "The deadline of the request has passed",
        "The processors were busy until after the deadline of the request. Nothing was computed.",
        "Try again at a quieter time. A request with an `Idempotency-Key` needs a new key, because the \
         old key stands for this failure.",
        Safe;
    COMPUTATION_FAILED: INTERNAL_SERVER_ERROR, "computation-failed", "The computation failed",
        "The processor failed during the computation; the member `code` names the failure.",
        "This is a fault of the service: report it with the member `request_id`. A request with an \
         `Idempotency-Key` needs a new key, because the old key stands for this failure.",
        MayRepeat;
    UNREADABLE_REPLY: INTERNAL_SERVER_ERROR, "unreadable-reply", "The reply cannot be read",
        "The server cannot read the reply of the processor.",
        "This is a fault of the service: report it with the member `request_id`. The result may be \
         found under this id.",
        MayRepeat;
    UNKNOWN_REPLY_SCHEMA: SERVICE_UNAVAILABLE, "unknown-reply-schema",
        "The reply cannot be read yet",
        "The server could not get the schema of the reply from the registry.",
        "Try again in a moment. The result may be found under the id of the request.",
        MayRepeat;
    INTERNAL: INTERNAL_SERVER_ERROR, "internal", "The server failed",
        "The server failed during the request.",
        "This is a fault of the service: report it with the time and the path.",
        MayRepeat;
}
