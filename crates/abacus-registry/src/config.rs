//! Where the registry is.

use abacus_runtime::{Config, Environment};
use abacus_schemas::Topics;

/// The topics that this system uses, and whose schemas it looks up.
pub fn topics(env: &mut Environment) -> Topics {
    let prefix: String = env.get("ABACUS_TOPIC_PREFIX", "", "Text in front of every topic name");
    Topics::with_prefix(&prefix)
}

/// Where the registry is.
#[derive(Clone, Debug)]
pub struct RegistryConfig {
    /// Base URL of the Confluent-compatible API.
    pub url: String,
}

impl Config for RegistryConfig {
    fn read(env: &mut Environment) -> Self {
        let url: String = env.get(
            "ABACUS_REGISTRY_URL",
            "http://127.0.0.1:8081/apis/ccompat/v7",
            "Schema registry: base URL of its Confluent-compatible API",
        );
        if !url.starts_with("http://") && !url.starts_with("https://") {
            env.problem("ABACUS_REGISTRY_URL", format!("{url:?} is not an http or https URL"));
        }
        // It is logged, and named in errors.
        if url.contains('@') {
            env.problem("ABACUS_REGISTRY_URL", "credentials in the URL are not supported");
        }
        Self { url: url.trim_end_matches('/').to_owned() }
    }
}
