//! Header fields as values. The modules do no I/O.

pub mod accept;
pub mod coding;
pub mod conditions;
pub mod content_type;
pub mod idempotency_key;
pub mod prefer;
pub mod range;
pub mod rate_limit;
pub mod request_id;
pub mod structured;
pub mod traceparent;
