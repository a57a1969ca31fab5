//! Settings of the limits.

use abacus_quota::{AdmissionConfig, Limit};
use abacus_runtime::{Config, Environment, RedisConfig, shared_settings};

/// Settings of the limits.
#[derive(Clone, Debug)]
pub(crate) struct QuotaConfig {
    pub(super) compute: Limit,
    pub(super) reads: Limit,
    pub(super) auth_address: Limit,
    pub(super) auth_account: Limit,
    pub(super) changes: Limit,
    /// Number of callers remembered for each policy.
    pub(super) keys: u64,
    pub(super) store: RedisConfig,
    pub(super) admission: AdmissionConfig,
    /// Estimated word operations from which a computation queues in the heavy lane; 0 for never.
    pub(super) heavy_minimum_cost: u64,
}

impl Config for QuotaConfig {
    fn read(env: &mut Environment) -> Self {
        Self {
            compute: env.get(
                "ABACUS_LIMIT_COMPUTE",
                "1200000/60s",
                "Cost units per time for the computations of a user, or of an address without credentials, or off; a computation costs one unit, and one more for each million estimated word operations",
            ),
            reads: env.get(
                "ABACUS_LIMIT_READS",
                "60000/60s",
                "Look-ups per time of a user or address, or off",
            ),
            auth_address: env.get(
                "ABACUS_LIMIT_AUTH_ADDRESS",
                "120/60s",
                "Attempts per time to sign in or register from an address, or off",
            ),
            auth_account: env.get(
                "ABACUS_LIMIT_AUTH_ACCOUNT",
                "20/10m",
                "Attempts per time to sign in to an account from one address, or off; ten times as many from all addresses",
            ),
            changes: env.get(
                "ABACUS_LIMIT_CHANGES",
                "120/10m",
                "Creations and revocations of API keys per time by a user, or off",
            ),
            keys: env.get(
                "ABACUS_LIMIT_KEYS",
                "100000",
                "Callers remembered by an instance for each rate limit; a forgotten caller starts with a full quota, or with the state in Redis",
            ),
            store: RedisConfig::read(env, "abacus:limit:"),
            admission: AdmissionConfig::read(env),
            heavy_minimum_cost: shared_settings::heavy_minimum_cost(env),
        }
    }
}
