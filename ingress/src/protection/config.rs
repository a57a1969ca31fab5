//! What can be set about protection.

use abacus_runtime::{ByteSize, Config, Environment};

use super::admission::AdmissionConfig;
use super::body::Pace;
use super::cors::Origin;
use super::forwarded::Proxies;
use super::headers::HeadersConfig;
use super::limiter::StoreConfig;
use super::quota::Limit;

/// Limits of all kinds.
#[derive(Clone, Debug)]
pub(crate) struct ProtectionConfig {
    pub(super) compute: Limit,
    pub(super) reads: Limit,
    pub(super) auth_address: Limit,
    pub(super) auth_account: Limit,
    pub(super) changes: Limit,
    /// How many callers' allowances are kept in memory, for each policy.
    pub(super) keys: u64,
    pub(super) store: StoreConfig,
    pub(super) proxies: Proxies,
    pub(super) admission: AdmissionConfig,
    pub(super) max_url: ByteSize,
    pub(super) max_headers: ByteSize,
    pub(super) pace: Pace,
    pub(super) origins: Vec<Origin>,
    pub(super) headers: HeadersConfig,
}

impl Config for ProtectionConfig {
    fn read(env: &mut Environment) -> Self {
        Self {
            compute: env.get(
                "ABACUS_LIMIT_COMPUTE",
                "1200000/60s",
                "Cost units of computations that a user, or an address without one, may ask for in a time, or off; one is a computation, or a million estimated word operations of it",
            ),
            reads: env.get(
                "ABACUS_LIMIT_READS",
                "60000/60s",
                "Look-ups of a user or address in a time, or off",
            ),
            auth_address: env.get(
                "ABACUS_LIMIT_AUTH_ADDRESS",
                "120/60s",
                "Attempts to sign in or up from an address in a time, or off",
            ),
            auth_account: env.get(
                "ABACUS_LIMIT_AUTH_ACCOUNT",
                "20/10m",
                "Attempts to sign in to an account from one address in a time, or off; from all addresses, ten times as many",
            ),
            changes: env.get(
                "ABACUS_LIMIT_CHANGES",
                "120/10m",
                "API keys that a user may make and revoke in a time, or off",
            ),
            keys: env.get(
                "ABACUS_LIMIT_KEYS",
                "100000",
                "How many callers an instance remembers for each rate limit; those beyond start anew or with what Redis knows",
            ),
            store: StoreConfig::read(env),
            proxies: Proxies::read(env),
            admission: AdmissionConfig::read(env),
            max_url: env.get(
                "ABACUS_MAX_URL",
                "32KiB",
                "Longest path and query; longer ones are answered 414",
            ),
            max_headers: env.get(
                "ABACUS_MAX_HEADERS",
                "32KiB",
                "Largest request headers; larger ones are answered 431",
            ),
            pace: Pace::read(env),
            origins: env.get(
                "ABACUS_CORS_ORIGINS",
                "",
                "Web sites whose pages may use the API, such as https://app.example, separated by commas",
            ),
            headers: HeadersConfig::read(env),
        }
    }
}

impl ProtectionConfig {
    /// The most that the head of a request can be, for what reads it: the rest is told by a problem
    /// document.
    pub(crate) fn largest_head(&self) -> usize {
        let limits = self.max_url.as_u64().saturating_add(self.max_headers.as_u64());
        usize::try_from(limits.saturating_mul(2)).unwrap_or(usize::MAX).max(SMALLEST_BUFFER)
    }

    pub(crate) fn proxies(&self) -> &Proxies {
        &self.proxies
    }
}

/// hyper takes no smaller one.
const SMALLEST_BUFFER: usize = 8 * 1024;
