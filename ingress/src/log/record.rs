//! A request as stored in the request log.

use std::collections::BTreeMap;

use abacus_schemas::CacheLevel;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A request, with the outcome after completion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LoggedRequest {
    pub(crate) request_id: Uuid,
    /// Name of the account that made the request; `None` for an anonymous request.
    pub(crate) requester: Option<String>,
    pub(crate) status: Status,
    pub(crate) operation: String,
    pub(crate) operands: BTreeMap<String, String>,
    pub(crate) result: Option<ComputedResult>,
    pub(crate) failure: Option<ComputationFailure>,
    /// RFC 3339.
    pub(crate) requested_at: String,
    /// `None` while the request is pending.
    pub(crate) completion: Option<Completion>,
}

/// Progress of a computation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Pending,
    Succeeded,
    Failed,
}

/// Result of a computation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ComputedResult {
    /// All decimal digits, after a minus sign for a negative result.
    pub(crate) text: String,
    /// Number of decimal digits.
    pub(crate) digits: i64,
    /// Bits of the magnitude.
    pub(crate) bits: i64,
}

/// Reason why a computation failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ComputationError)]
pub(crate) struct ComputationFailure {
    pub(crate) code: String,
    pub(crate) message: String,
}

/// End of a computation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Completion {
    /// RFC 3339.
    pub(crate) completed_at: String,
    /// Microseconds of computing; 0 for a cached result.
    pub(crate) compute_micros: i64,
    pub(crate) cache: CacheLevel,
}

impl Status {
    /// Returns the status with this name in JSON and in SQL.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "pending" => Some(Self::Pending),
            "succeeded" => Some(Self::Succeeded),
            "failed" => Some(Self::Failed),
            _ => None,
        }
    }
}
