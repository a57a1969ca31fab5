//! Why a limit refuses a request.

use std::time::Duration;

use abacus_http::fields::rate_limit::whole_seconds;
use abacus_quota::RateLimitStatus;

pub(crate) use abacus_http::fields::rate_limit::Policy;

/// Why a limit refuses a request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(
        "the quota of the policy `{}` is used up; try again in {} s (the `RateLimit` fields say what \
         is left)",
        policy.name(),
        whole_seconds(status.reset_after)
    )]
    QuotaExceeded { policy: Policy, status: RateLimitStatus },
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
}
