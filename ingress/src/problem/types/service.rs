//! What the service, or what it stands on, cannot do now.

problem_types! {
    TOO_MANY_WAITING: SERVICE_UNAVAILABLE, "too-many-waiting", "The server is busy",
        "As many requests wait for their results as this server may hold.",
        "Try again in a moment. With `Prefer: respond-async` a request takes a place only until it is \
         accepted.",
        Safe;
    EVENT_LOG_UNREACHABLE: SERVICE_UNAVAILABLE, "event-log-unreachable", "The event log is away",
        "The event log, by which requests get to the processors, cannot be reached. Nothing was \
         computed.",
        "Try again in a moment.",
        Safe;
    QUEUE_FULL: SERVICE_UNAVAILABLE, "queue-full", "The server is busy",
        "More requests than the event log takes are on their way to it. Nothing was computed.",
        "Try again in a moment.",
        Safe;
    NOT_SENT: SERVICE_UNAVAILABLE, "not-sent", "The request was not taken",
        "The event log did not take the request. Nothing was computed.",
        "Try again in a moment.",
        Safe;
    NOT_WRITTEN: SERVICE_UNAVAILABLE, "not-written", "The request was not written",
        "The event log did not say that it has the request, which may be there all the same.",
        "Try again in a moment.",
        MayRepeat;
    UNCONFIRMED: SERVICE_UNAVAILABLE, "unconfirmed", "The request was not confirmed",
        "The event log did not confirm the request in time. It may have it all the same.",
        "Try again in a moment.",
        MayRepeat;
    REQUEST_LOG_UNAVAILABLE: SERVICE_UNAVAILABLE, "request-log-unavailable",
        "The request log is away",
        "The database of past requests cannot be reached, or took too long. Computing goes on \
         without it.",
        "Try again later. If a list took too long, narrow it: by `from` and `to`, or by a smaller \
         `limit`.",
        Safe;
    REQUEST_LOG_BEHIND: SERVICE_UNAVAILABLE, "request-log-behind", "The request log is behind",
        "The request is not in the database of past requests, which does not have all of the last \
         minutes yet. A request that was accepted gets there.",
        "Ask for the same request again in a moment, or wait for it: `Prefer: wait=30`.",
        Safe;
    EXPIRED: GATEWAY_TIMEOUT, "expired", "The request came up too late",
        "The processors were so busy that the request's deadline had passed before its turn. It was \
         not computed.",
        "Try again when there is less to do; if there was an `Idempotency-Key`, with a new one, as the old \
         one stands for this failure.",
        Safe;
    COMPUTATION_FAILED: INTERNAL_SERVER_ERROR, "computation-failed", "The computation failed",
        "The processor failed while it worked on the request; the member `code` says how.",
        "This is a fault of the service: report it with the member `request_id`. If there was an \
         `Idempotency-Key`, try again with a new one: the old one stands for this failure.",
        MayRepeat;
    UNREADABLE_REPLY: INTERNAL_SERVER_ERROR, "unreadable-reply", "The reply cannot be read",
        "The processor answered with something that this server cannot read.",
        "This is a fault of the service: report it with the member `request_id`. The result may be \
         found under that id.",
        MayRepeat;
    UNKNOWN_REPLY_SCHEMA: SERVICE_UNAVAILABLE, "unknown-reply-schema",
        "The reply cannot be read yet",
        "The processor answered in a schema that this server could not get from the registry.",
        "Try again in a moment. The result may be found under the request's id.",
        MayRepeat;
    INTERNAL: INTERNAL_SERVER_ERROR, "internal", "The server failed",
        "The server failed while it worked on the request.",
        "This is a fault of the service: report it with the time and the path.",
        MayRepeat;
}
