//! The two events as Rust types. Each field equals a field in the `.avsc` files of this crate,
//! which explain the meaning; a test compares types and files.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use apache_avro::Schema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::timestamp::Timestamp;

/// A record type with a schema.
pub trait Event: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Text of the schema, as registered.
    const SCHEMA_JSON: &'static str;

    /// Returns the schema, parsed once.
    fn schema() -> &'static Schema;
}

/// A request for one computation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComputeRequested {
    /// Id of the request in all topics and tables, a UUID.
    pub request_id: String,
    /// Name of the operation; the set of names is open.
    pub operation: String,
    /// Operands by name, as integers in decimal digits.
    pub operands: BTreeMap<String, String>,
    /// Requester; `None` for an anonymous request.
    pub requester: Option<String>,
    /// Origin of the request, for example `http`.
    pub source: String,
    /// Time of the request.
    pub requested_at: Timestamp,
}

/// The completion of one computation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComputeCompleted {
    /// Id of the request.
    pub request_id: String,
    /// Copied from the request.
    pub operation: String,
    /// Copied from the request.
    pub operands: BTreeMap<String, String>,
    /// Copied from the request.
    pub requester: Option<String>,
    /// Copied from the request.
    pub source: String,
    /// Copied from the request.
    pub requested_at: Timestamp,
    /// Result or failure.
    pub outcome: Outcome,
    /// Time of the outcome in the processor.
    pub completed_at: Timestamp,
    /// Duration of the computation, in microseconds; 0 for a cached result.
    pub compute_micros: i64,
    /// Cache of the result, if any.
    pub cache: CacheLevel,
    /// Instance id of the processor.
    pub processor: String,
}

/// Outcome of a computation. The variants have the order of the union in the schema.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The computation has a result.
    Succeeded {
        /// Result, an integer in decimal digits.
        result: String,
        /// Number of decimal digits, without the sign.
        digits: i64,
        /// Number of bits of the magnitude.
        bits: i64,
    },
    /// The computation was refused or impossible.
    Failed {
        /// Stable, machine-readable reason.
        code: String,
        /// Explanation of the failure, with advice.
        message: String,
    },
}

/// Origin of a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum CacheLevel {
    /// Computed for this request.
    #[default]
    None,
    /// From the memory of the processor.
    Memory,
    /// From Redis.
    Redis,
}

impl CacheLevel {
    /// Returns the symbol of the Avro enum.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Memory => "MEMORY",
            Self::Redis => "REDIS",
        }
    }
}

impl Event for ComputeRequested {
    const SCHEMA_JSON: &'static str = include_str!("../avsc/ComputeRequested.avsc");

    fn schema() -> &'static Schema {
        static SCHEMA: LazyLock<Schema> = LazyLock::new(|| parse(ComputeRequested::SCHEMA_JSON));
        &SCHEMA
    }
}

impl Event for ComputeCompleted {
    const SCHEMA_JSON: &'static str = include_str!("../avsc/ComputeCompleted.avsc");

    fn schema() -> &'static Schema {
        static SCHEMA: LazyLock<Schema> = LazyLock::new(|| parse(ComputeCompleted::SCHEMA_JSON));
        &SCHEMA
    }
}

#[expect(clippy::expect_used, reason = "the text is compiled in and parsed by every test")]
fn parse(json: &str) -> Schema {
    Schema::parse_str(json).expect("the compiled-in schema is valid Avro")
}
