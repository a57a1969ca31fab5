//! The JSON form of a computation: answered by a reply, pending, or looked up.

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use abacus_schemas::{CacheLevel, ComputeCompleted, ComputeRequested, Outcome, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::log::{ComputationFailure, LoggedRequest, Status};

/// Path of a computation, before its id.
pub(crate) const LOCATION: &str = "/v1/computations/";

/// Estimated bytes of a JSON body besides result and operands.
const JSON_OVERHEAD_BYTES: usize = 512;

/// A computation. Members without a value are absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
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
pub(crate) struct Computation {
    pub(crate) request_id: Uuid,
    pub(crate) status: Status,
    /// Name of the operation, such as `pow`.
    pub(crate) operation: String,
    /// Each operand as a string of digits, by name.
    pub(crate) operands: BTreeMap<String, String>,
    /// If succeeded: the digits of the integer, as a string, because a JSON number would lose
    /// digits. The digits are decimal unless `format` is present.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, pattern = "^-?[0-9a-f]+$")]
    pub(crate) result: Option<String>,
    /// If succeeded: number of decimal digits of the result, without the sign.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1)]
    pub(crate) digits: Option<i64>,
    /// If succeeded: number of bits of the result's magnitude.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0)]
    pub(crate) bits: Option<i64>,
    /// `hex` if `result` has hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, nullable = false, pattern = "^hex$")]
    pub(crate) format: Option<&'static str>,
    /// If the request limits the digits: `true` if `result` is cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) truncated: Option<bool>,
    /// If failed: the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) error: Option<ComputationFailure>,
    #[schema(format = DateTime)]
    pub(crate) requested_at: String,
    /// Unless pending: time of the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, format = DateTime)]
    pub(crate) completed_at: Option<String>,
    /// Unless pending: microseconds of computing; 0 for a cached result.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0)]
    pub(crate) compute_micros: Option<i64>,
    /// Unless pending: the cache with the result, or `none` after a computation.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) cache: Option<Cache>,
    /// `Cache-Status` (RFC 9211) of an answer directly from the processor.
    #[serde(skip)]
    pub(crate) cache_status: Option<&'static str>,
    /// Name of the account that made the request; `None` for an anonymous request.
    #[serde(skip)]
    pub(crate) requester: Option<String>,
}

/// The cache with a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Cache {
    None,
    Memory,
    Redis,
}

impl Computation {
    /// Creates a pending computation: the request is in the event log, and has no outcome yet.
    pub(crate) fn pending(id: Uuid, request: ComputeRequested) -> Self {
        Self {
            request_id: id,
            status: Status::Pending,
            operation: request.operation,
            operands: request.operands,
            result: None,
            digits: None,
            bits: None,
            format: None,
            truncated: None,
            error: None,
            requested_at: rfc3339(request.requested_at),
            completed_at: None,
            compute_micros: None,
            cache: None,
            cache_status: None,
            requester: request.requester,
        }
    }

    /// Creates the computation of a reply.
    pub(crate) fn completed(id: Uuid, event: ComputeCompleted) -> Self {
        let cache = Cache::from(event.cache);
        let computation = Self {
            request_id: id,
            status: Status::Failed,
            operation: event.operation,
            operands: event.operands,
            result: None,
            digits: None,
            bits: None,
            format: None,
            truncated: None,
            error: None,
            requested_at: rfc3339(event.requested_at),
            completed_at: Some(rfc3339(event.completed_at)),
            compute_micros: Some(event.compute_micros),
            cache: Some(cache),
            cache_status: Some(cache.status()),
            requester: event.requester,
        };
        match event.outcome {
            Outcome::Failed { code, message } => {
                Self { error: Some(ComputationFailure { code, message }), ..computation }
            }
            Outcome::Succeeded { result, digits, bits } => Self {
                status: Status::Succeeded,
                result: Some(result),
                digits: Some(digits),
                bits: Some(bits),
                ..computation
            },
        }
    }

    /// Returns `true` while the computation has no outcome.
    pub(crate) fn is_pending(&self) -> bool {
        self.status == Status::Pending
    }

    /// Returns the computation as a JSON object.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let result = self.result.as_ref().map_or(0, String::len);
        let operands: usize = self.operands.values().map(String::len).sum();
        let mut body = Vec::with_capacity(result + operands + JSON_OVERHEAD_BYTES);
        // Writing strings and integers to memory cannot fail.
        let _ = serde_json::to_writer(&mut body, self);
        body
    }
}

impl From<LoggedRequest> for Computation {
    fn from(request: LoggedRequest) -> Self {
        let (result, digits, bits) = match request.result {
            Some(result) => (Some(result.text), Some(result.digits), Some(result.bits)),
            None => (None, None, None),
        };
        let (completed_at, compute_micros, cache) = match request.completion {
            Some(end) => (Some(end.completed_at), Some(end.compute_micros), Some(end.cache.into())),
            None => (None, None, None),
        };
        Self {
            request_id: request.request_id,
            status: request.status,
            operation: request.operation,
            operands: request.operands,
            result,
            digits,
            bits,
            format: None,
            truncated: None,
            error: request.failure,
            requested_at: request.requested_at,
            completed_at,
            compute_micros,
            cache,
            cache_status: None,
            requester: request.requester,
        }
    }
}

impl Cache {
    /// Returns the name in JSON.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Memory => "memory",
            Self::Redis => "redis",
        }
    }

    fn status(self) -> &'static str {
        match self {
            Self::None => "abacus; fwd=miss",
            Self::Memory => "abacus-memory; hit",
            Self::Redis => "abacus-redis; hit",
        }
    }
}

impl From<CacheLevel> for Cache {
    fn from(level: CacheLevel) -> Self {
        match level {
            CacheLevel::None => Self::None,
            CacheLevel::Memory => Self::Memory,
            CacheLevel::Redis => Self::Redis,
        }
    }
}

fn rfc3339(at: Timestamp) -> String {
    let since_epoch = Duration::from_micros(u64::try_from(at.as_micros()).unwrap_or(0));
    humantime::format_rfc3339_micros(UNIX_EPOCH + since_epoch).to_string()
}
