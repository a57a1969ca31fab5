//! Refusals by limits.

use std::time::Duration;

use abacus_http::fields::rate_limit::whole_seconds;
use abacus_quota::RateLimitStatus;

pub(crate) use abacus_http::fields::rate_limit::Policy;

/// Reason why a limit refuses a request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(
        "the quota of the policy `{}` is used up; try again in {} s (the `RateLimit` fields tell \
         the remaining quota)",
        policy.name(),
        whole_seconds(status.reset_after)
    )]
    QuotaExceeded { policy: Policy, status: RateLimitStatus },
    #[error(
        "one caller may have {limit} requests in flight, with results of a limited size; wait until \
         requests end, or ask with `Prefer: respond-async`"
    )]
    TooManyAtOnce { policy: Policy, limit: u64 },
    #[error(
        "the queue delay exceeds the allowed time; nothing was computed, try again in {} s",
        whole_seconds(*after)
    )]
    Overloaded { after: Duration },
    #[error(
        "the requests in flight use all allowed memory; nothing was computed, try again in a moment"
    )]
    OutOfMemory,
}
