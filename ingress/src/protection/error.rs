//! Why a request is not let in, and what callers are told to do about it.

use std::time::Duration;

use axum::http::HeaderMap;
use serde_json::Value;

use super::fields::{Policy, retry_after, whole_seconds};
use super::limiter::Standing;
use crate::error::Class;
use crate::problem::types::protection;

/// Why a request is not let in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(
        "the quota of the policy `{}` is used up; try again in {} s (the `RateLimit` fields say what \
         is left)",
        policy.name,
        whole_seconds(standing.after)
    )]
    QuotaExceeded { policy: Policy, standing: Standing },
    #[error(
        "one caller may have {limit} requests under way, and results of a limited size; wait for some \
         of them to end, or ask with `Prefer: respond-async`"
    )]
    TooManyAtOnce { policy: Policy, limit: u64 },
    #[error(
        "more work waits than is done in the time allowed; nothing was computed, try again in {} s",
        whole_seconds(*after)
    )]
    Overloaded { after: Duration },
    #[error("requests under way hold as much memory as they may; nothing was computed, try again")]
    OutOfMemory,
    #[error("the path and query are longer than {limit} bytes; send operands in a body, by POST")]
    UrlTooLong { limit: u64 },
    #[error("the request's headers are larger than {limit} bytes; send fewer or shorter ones")]
    HeadersTooLarge { limit: u64 },
    #[error("the request's body did not come in time; send it faster, or in smaller requests")]
    BodyTooSlow,
    #[error("as many connections are open as may be; use those, or come back in a moment")]
    TooManyConnections,
}

const RESTING: Duration = Duration::from_secs(1);

impl Error {
    /// What it is to callers and operators.
    pub(crate) fn class(&self) -> Class {
        match self {
            Self::QuotaExceeded { .. } | Self::TooManyAtOnce { .. } => {
                protection::QUOTA_EXCEEDED.silent()
            }
            Self::Overloaded { .. } | Self::OutOfMemory | Self::TooManyConnections => {
                protection::TEMPORARY_REDUCED_CAPACITY.silent()
            }
            Self::UrlTooLong { .. } => protection::URL_TOO_LONG.silent(),
            Self::HeadersTooLarge { .. } => protection::HEADERS_TOO_LARGE.silent(),
            Self::BodyTooSlow => protection::BODY_TOO_SLOW.silent(),
        }
    }

    /// Adds the fields that say when to come back.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        match self {
            Self::QuotaExceeded { policy, standing } => {
                policy.write(*standing, headers);
                retry_after(standing.after, headers);
            }
            Self::TooManyAtOnce { policy, .. } => {
                policy.write(Standing { left: 0, after: RESTING }, headers);
                retry_after(RESTING, headers);
            }
            Self::Overloaded { after } => retry_after(*after, headers),
            Self::OutOfMemory | Self::TooManyConnections => retry_after(RESTING, headers),
            Self::UrlTooLong { .. } | Self::HeadersTooLarge { .. } | Self::BodyTooSlow => {}
        }
    }

    /// The members of the problem document; those of the draft's problem types have its names.
    pub(crate) fn members(&self) -> Vec<(&'static str, Value)> {
        match self {
            Self::QuotaExceeded { policy, .. } | Self::TooManyAtOnce { policy, .. } => {
                vec![("violated-policies", vec![policy.name].into())]
            }
            Self::UrlTooLong { limit } | Self::HeadersTooLarge { limit } => {
                vec![("limit", (*limit).into())]
            }
            Self::Overloaded { .. }
            | Self::OutOfMemory
            | Self::BodyTooSlow
            | Self::TooManyConnections => vec![],
        }
    }
}
