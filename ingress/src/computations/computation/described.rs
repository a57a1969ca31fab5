//! The schema of a [`Computation`](super::Computation), whose flattened parts come and go together.

use std::borrow::Cow;
use std::collections::BTreeMap;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::{Computation, ErrorMembers, Status};

/// A computation; members that do not apply are absent.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a description")]
#[schema(examples(json!({
    "request_id": "019aa5d2-7c1e-7d40-9f0b-3b1a2c4d5e6f",
    "status": "succeeded",
    "operation": "pow",
    "operands": {"base": "2", "exponent": "10"},
    "result": "1024",
    "digits": 4,
    "bits": 11,
    "requested_at": "2026-11-21T09:00:00.000000Z",
    "completed_at": "2026-11-21T09:00:00.001500Z",
    "compute_micros": 3,
    "cache": "none"
})))]
struct Described {
    request_id: Uuid,
    status: Status,
    /// What is computed, such as `pow`.
    operation: String,
    /// Each operand as a string of digits, by its name.
    operands: BTreeMap<String, String>,
    /// If succeeded: the integer in digits, as a JSON number would lose them; decimal ones unless `format`
    /// says otherwise.
    #[schema(nullable = false, pattern = "^-?[0-9a-f]+$")]
    result: Option<String>,
    /// If succeeded: how many decimal digits the result has, its sign not counted.
    #[schema(nullable = false, minimum = 1)]
    digits: Option<i64>,
    /// `hex` if `result` was asked for in hexadecimal digits.
    #[schema(nullable = false, pattern = "^hex$")]
    format: Option<String>,
    /// If so many digits were asked for: whether `result` has no more than the first of them.
    #[schema(nullable = false)]
    truncated: Option<bool>,
    /// If succeeded: how many bits the result's magnitude has.
    #[schema(nullable = false, minimum = 0)]
    bits: Option<i64>,
    /// If failed: why.
    #[schema(nullable = false)]
    error: Option<ErrorMembers>,
    #[schema(format = DateTime)]
    requested_at: String,
    /// Unless pending.
    #[schema(nullable = false, format = DateTime)]
    completed_at: Option<String>,
    /// Unless pending: microseconds of computing; 0 from a cache.
    #[schema(nullable = false, minimum = 0)]
    compute_micros: Option<i64>,
    /// Unless pending: which cache had the result.
    #[schema(nullable = false)]
    cache: Option<Cache>,
}

/// Which cache had a result.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a description")]
#[schema(rename_all = "lowercase")]
enum Cache {
    None,
    Memory,
    Redis,
}

impl PartialSchema for Computation {
    fn schema() -> RefOr<Schema> {
        Described::schema()
    }
}

impl ToSchema for Computation {
    fn name() -> Cow<'static, str> {
        "Computation".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        Described::schemas(schemas);
    }
}
