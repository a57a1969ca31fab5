//! Names of headers.

/// Opaque bytes that a reply repeats.
pub const CORRELATION_ID: &str = "correlation-id";
/// Topic of the reply.
pub const REPLY_TOPIC: &str = "reply-topic";
/// Partition of the reply: four bytes, big-endian, or decimal digits.
pub const REPLY_PARTITION: &str = "reply-partition";
/// Time at which the caller stops waiting: milliseconds since the Unix epoch, in decimal digits.
pub const DEADLINE_MS: &str = "deadline-ms";
/// Parent span of the request, in the form of W3C Trace Context.
pub const TRACEPARENT: &str = "traceparent";
/// Vendor-specific trace data of W3C Trace Context. Valid only beside a [`TRACEPARENT`].
pub const TRACESTATE: &str = "tracestate";

/// Signature of a request by the ingress: see [`RecordKeys`](crate::RecordKeys).
pub const SIGNATURE: &str = "abacus-signature";
/// Digest of a request that is too large for its completion: see
/// [`ContentDigest`](crate::ContentDigest).
pub const CONTENT_DIGEST: &str = "abacus-content-digest";

/// Class of the failure of a dead letter, stable.
pub const ERROR_CLASS: &str = "error-class";
/// Explanation of the failure of a dead letter.
pub const ERROR_MESSAGE: &str = "error-message";
/// Topic of the original record of a dead letter.
pub const ORIGIN_TOPIC: &str = "origin-topic";
/// Partition of the original record of a dead letter, in decimal digits.
pub const ORIGIN_PARTITION: &str = "origin-partition";
/// Offset of the original record of a dead letter, in decimal digits.
pub const ORIGIN_OFFSET: &str = "origin-offset";

/// Dead letter from which a record was replayed: `partition:offset` in decimal digits.
pub const REPLAYED_FROM: &str = "abacus-replayed-from";

/// On a request for the heavy lane: the request is a repeat, and gets a reply but no completion.
pub const REPEAT: &str = "abacus-repeat";

/// On a completion: `refused: ` and the reason why the caller gets no reply.
pub const REPLY_REFUSED: &str = "abacus-reply";

/// Names of the reply headers of a family of clients.
pub(super) struct ReplyNames {
    pub(super) correlation_id: &'static str,
    pub(super) topic: &'static str,
    pub(super) partition: &'static str,
}

/// The names of this project, of Spring and `NestJS`, and of `SmallRye` and Quarkus.
pub(super) const REPLY_NAMES: [ReplyNames; 3] = [
    ReplyNames { correlation_id: CORRELATION_ID, topic: REPLY_TOPIC, partition: REPLY_PARTITION },
    ReplyNames {
        correlation_id: "kafka_correlationId",
        topic: "kafka_replyTopic",
        partition: "kafka_replyPartition",
    },
    ReplyNames {
        correlation_id: "REPLY_CORRELATION_ID",
        topic: "REPLY_TOPIC",
        partition: "REPLY_PARTITION",
    },
];
