//! Settings of the edge.

use abacus_runtime::{Config, Environment};

use super::body_pace::Pace;
use super::cors::Origin;
use super::limits::HeadLimits;
use super::proxies::Proxies;
use super::security_headers::HeadersConfig;

/// Settings of the edge.
#[derive(Clone, Debug)]
pub struct EdgeConfig {
    /// Trusted proxies.
    pub proxies: Proxies,
    /// Limits of a request's head.
    pub limits: HeadLimits,
    /// Time limits of a request's body.
    pub pace: Pace,
    /// Sites whose pages may use the API.
    pub origins: Vec<Origin>,
    /// Security headers.
    pub headers: HeadersConfig,
}

impl Config for EdgeConfig {
    fn read(env: &mut Environment) -> Self {
        Self {
            proxies: Proxies::read(env),
            limits: HeadLimits::read(env),
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
