//! Header fields as values. The modules do no I/O.
//!
//! The crates `headers` (0.4) and `sfv` (0.16) do not replace these modules. `sfv` refuses a bare UUID
//! as a key, and all of a `Prefer` for a name in upper case or an empty list member. `headers` finds
//! nothing in `bytes=-40` of ten bytes, where RFC 9110 selects all ten, and refuses the JSON type of
//! a sloppy client (`application/json; charset`). It has no `Prefer`, `Accept` or `RateLimit`.

pub mod accept;
pub mod coding;
pub mod conditions;
pub mod content_type;
pub mod host;
pub mod idempotency_key;
pub mod prefer;
pub mod range;
pub mod rate_limit;
pub mod request_id;
pub mod structured;
pub mod traceparent;
