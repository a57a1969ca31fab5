//! Rate limits: the units that each subject has used of a [`Quota`](crate::Quota), over all instances.
//!
//! Redis has the truth ([`LeaseStore`]), but most requests do not ask Redis. An instance takes a part of a subject's units, a
//! *lease*, and spends the lease locally. The instance fetches the next lease before the last lease ends. Redis charges a
//! unit before an instance spends the unit, so all instances together never allow more than the quota. A lease withholds
//! a small part of the quota from other instances.
//!
//! While Redis is away, each instance keeps the quota alone, and starts from the units allowed so far. Neither a slow nor a
//! missing Redis delays a request beyond the time limit of the store.

mod allowance;
mod limit;
mod status;
mod store;

pub use limit::RateLimit;
pub use status::{Exceeded, RateLimitStatus};
pub use store::LeaseStore;
