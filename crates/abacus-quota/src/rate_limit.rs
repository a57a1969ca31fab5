//! Rate limits: the units that each subject has used of a [`Quota`](crate::Quota), over all instances.
//!
//! Redis has the truth ([`store`]), but most requests do not ask Redis. An instance takes a part of a subject's units at
//! a time, a *lease*, and spends the lease locally; the next lease is fetched before the end of the last one. A unit is
//! paid for in Redis before it is spent, so all instances together never allow more than the quota. A lease withholds a
//! small part of the quota from other instances.
//!
//! While Redis is away, each instance keeps the quota by itself, from the units that it has allowed so far. Neither a slow
//! nor a missing Redis delays a request beyond its time limit.

mod allowance;
mod limit;
mod status;
mod store;

pub use limit::RateLimit;
pub use status::{Exceeded, RateLimitStatus};
pub use store::LeaseStore;
