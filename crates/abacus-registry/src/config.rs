//! Address of the registry, the topic names, and the limits of decoding.

use abacus_runtime::{Config, Environment, ExposeSecret as _, to_usize};
use abacus_schemas::{DecodeLimits, RecordKeys, Topics};

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

/// Address of the registry, and the limits of decoding.
#[derive(Clone, Debug)]
pub struct RegistryConfig {
    /// Base URL of the Confluent-compatible API.
    pub url: String,
    /// Limits for records and schemas.
    pub limits: DecodeLimits,
}

/// Upper bound of the nesting: decoding recurses.
const DEEPEST: u32 = 500;

impl RegistryConfig {
    /// Returns a configuration with the default limits.
    pub fn at(url: impl Into<String>) -> Self {
        Self { url: url.into(), limits: DecodeLimits::default() }
    }
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
        Self { url: url.trim_end_matches('/').to_owned(), limits: limits(env) }
    }
}

fn limits(env: &mut Environment) -> DecodeLimits {
    let limits = DecodeLimits {
        record_bytes: to_usize(env.get(
            "ABACUS_RECORD_BYTES",
            "16MiB",
            "Largest record that is decoded, after decompression; a larger record is a dead letter",
        )),
        record_values: env.get(
            "ABACUS_RECORD_VALUES",
            "10000",
            "Largest number of values in a record: operands, and all values of unknown fields",
        ),
        record_depth: env.get(
            "ABACUS_RECORD_DEPTH",
            "64",
            "Deepest nesting of values in the unknown fields of a record",
        ),
        schema_bytes: to_usize(env.get(
            "ABACUS_SCHEMA_BYTES",
            "128KiB",
            "Largest schema of a producer, together with the schemas that it refers to",
        )),
        schema_references: env.get(
            "ABACUS_SCHEMA_REFERENCES",
            "32",
            "Largest number of schemas that the schema of a producer refers to",
        ),
        schemas: env.get(
            "ABACUS_SCHEMAS",
            "100",
            "Largest number of producers' schemas in memory, and of versions that are learned at start",
        ),
    };
    if limits.record_depth > DEEPEST {
        env.problem("ABACUS_RECORD_DEPTH", format!("expected at most {DEEPEST}"));
    }
    if limits.schemas == 0 {
        env.problem("ABACUS_SCHEMAS", "expected at least 1");
    }
    limits
}
