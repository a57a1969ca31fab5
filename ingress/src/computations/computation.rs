//! A computation as callers see it, whether just answered, still pending or looked up later.

mod described;

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use abacus_schemas::{CacheLevel, ComputeCompleted, ComputeRequested, Outcome, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::Error;

/// Where to look a computation up: this and its id.
pub(crate) const LOCATION: &str = "/v1/computations/";

/// Room in a body for everything but result and operands.
const ENVELOPE_BYTES: usize = 512;

/// A computation; members that do not apply are absent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Computation {
    pub(crate) request_id: Uuid,
    pub(crate) status: Status,
    pub(crate) operation: String,
    pub(crate) operands: BTreeMap<String, String>,
    #[serde(flatten)]
    pub(crate) result: Option<ResultMembers>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<ErrorMembers>,
    pub(crate) requested_at: String,
    #[serde(flatten)]
    pub(crate) completion: Option<CompletionMembers>,
    /// RFC 9211, for an answer that comes straight from the processor.
    #[serde(skip)]
    pub(crate) cache_status: Option<&'static str>,
    /// Whose it is; `None` if nobody's.
    #[serde(skip)]
    pub(crate) requester: Option<String>,
}

/// How far a computation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Pending,
    Succeeded,
    Failed,
}

/// Members of a computation with a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ResultMembers {
    /// Decimal digits: a JSON number would lose them.
    pub(crate) result: String,
    pub(crate) digits: i64,
    pub(crate) bits: i64,
    /// The notation of `result`, if it is not decimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) format: Option<&'static str>,
    /// Whether `result` is cut, if so many digits of it were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) truncated: Option<bool>,
}

impl ResultMembers {
    /// All of a result, in decimal.
    pub(crate) fn whole(result: String, digits: i64, bits: i64) -> Self {
        Self { result, digits, bits, format: None, truncated: None }
    }
}

/// Members of a computation that ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct CompletionMembers {
    pub(crate) completed_at: String,
    pub(crate) compute_micros: i64,
    pub(crate) cache: &'static str,
}

/// Why a computation failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ComputationError)]
pub(crate) struct ErrorMembers {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl Computation {
    /// One that has been written to the log and not been answered.
    pub(crate) fn pending(id: Uuid, request: ComputeRequested) -> Self {
        Self {
            request_id: id,
            status: Status::Pending,
            operation: request.operation,
            operands: request.operands,
            result: None,
            error: None,
            requested_at: rfc3339(request.requested_at),
            completion: None,
            cache_status: None,
            requester: request.requester,
        }
    }

    /// One that has just been answered.
    pub(crate) fn of(id: Uuid, event: ComputeCompleted) -> Self {
        let (status, result, error) = match event.outcome {
            Outcome::Failed { code, message } => {
                (Status::Failed, None, Some(ErrorMembers { code, message }))
            }
            Outcome::Succeeded { result, digits, bits } => {
                (Status::Succeeded, Some(ResultMembers::whole(result, digits, bits)), None)
            }
        };
        Self {
            request_id: id,
            status,
            operation: event.operation,
            operands: event.operands,
            result,
            error,
            requested_at: rfc3339(event.requested_at),
            completion: Some(CompletionMembers {
                completed_at: rfc3339(event.completed_at),
                compute_micros: event.compute_micros,
                cache: cache_name(event.cache),
            }),
            cache_status: Some(cache_status(event.cache)),
            requester: event.requester,
        }
    }

    /// Whoever computes is told of a failure by a problem; whoever looks up, by the status.
    pub(crate) fn unless_failed(self) -> Result<Self, Error> {
        match self.error {
            Some(ErrorMembers { code, message }) => Err(Error::Failed { code, message }),
            None => Ok(self),
        }
    }

    /// Whether nobody has answered it yet.
    pub(crate) fn is_pending(&self) -> bool {
        self.status == Status::Pending
    }

    /// As a JSON object.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let result = self.result.as_ref().map_or(0, |result| result.result.len());
        let operands: usize = self.operands.values().map(String::len).sum();
        let mut body = Vec::with_capacity(result + operands + ENVELOPE_BYTES);
        // Strings and integers into memory: there is nothing in it that can fail.
        let _ = serde_json::to_writer(&mut body, self);
        body
    }
}

/// A cache level as callers see it.
pub(crate) fn cache_name(level: CacheLevel) -> &'static str {
    match level {
        CacheLevel::None => "none",
        CacheLevel::Memory => "memory",
        CacheLevel::Redis => "redis",
    }
}

fn cache_status(level: CacheLevel) -> &'static str {
    match level {
        CacheLevel::None => "abacus; fwd=miss",
        CacheLevel::Memory => "abacus-memory; hit",
        CacheLevel::Redis => "abacus-redis; hit",
    }
}

fn rfc3339(at: Timestamp) -> String {
    let since_epoch = Duration::from_micros(u64::try_from(at.as_micros()).unwrap_or(0));
    humantime::format_rfc3339_micros(UNIX_EPOCH + since_epoch).to_string()
}
