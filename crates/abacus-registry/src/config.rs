//! Address of the registry, and the topic names.

use abacus_runtime::{Config, Environment, ExposeSecret as _};
use abacus_schemas::{RecordKeys, Topics};

/// Setting of the keys of the signatures of requests.
pub const RECORD_KEY: &str = "ABACUS_RECORD_KEY";

/// Reads `ABACUS_TOPIC_PREFIX`. Returns the topic names of this system.
pub fn topics(env: &mut Environment) -> Topics {
    let prefix: String = env.get("ABACUS_TOPIC_PREFIX", "", "Text in front of every topic name");
    Topics::with_prefix(&prefix)
}

/// Reads `ABACUS_RECORD_KEY`. Returns the keys of the signatures of requests, `None` without keys.
pub fn record_keys(env: &mut Environment) -> Option<RecordKeys> {
    let text = env.secret(
        RECORD_KEY,
        "",
        "Keys of the signatures of requests, 32 characters or more each, the same on each ingress and projector: the first signs, all verify; separated by commas. Without a signature, requester and source are claims, and a request is in no user's list",
    );
    if text.expose_secret().is_empty() {
        return None;
    }
    RecordKeys::parse(text.expose_secret())
        .map_err(|error| env.problem(RECORD_KEY, error.to_string()))
        .ok()
}

/// Address of the registry.
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
        // The URL appears in logs and errors.
        if url.contains('@') {
            env.problem("ABACUS_REGISTRY_URL", "credentials in the URL are not supported");
        }
        Self { url: url.trim_end_matches('/').to_owned() }
    }
}
