//! The two events as Rust types. Field for field they are the `.avsc` files beside this crate,
//! which hold the meaning of each field; a test keeps the two in step.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use apache_avro::Schema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::timestamp::Timestamp;

/// A record type with a schema of its own.
pub trait Event: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The schema's text, as it is registered.
    const SCHEMA_JSON: &'static str;

    /// The schema, parsed once.
    fn schema() -> &'static Schema;
}

/// Somebody asks for one computation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComputeRequested {
    /// A UUID: the identity of the request everywhere.
    pub request_id: String,
    /// What to compute; an open set of names.
    pub operation: String,
    /// Operand name to integer in decimal digits.
    pub operands: BTreeMap<String, String>,
    /// Who asked; `None` if anonymous.
    pub requester: Option<String>,
    /// Which way the request came in.
    pub source: String,
    /// When the request was made.
    pub requested_at: Timestamp,
}

/// One computation ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComputeCompleted {
    /// The request this answers.
    pub request_id: String,
    /// Echo of the request.
    pub operation: String,
    /// Echo of the request.
    pub operands: BTreeMap<String, String>,
    /// Echo of the request.
    pub requester: Option<String>,
    /// Echo of the request.
    pub source: String,
    /// Echo of the request.
    pub requested_at: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// When the processor had the outcome.
    pub completed_at: Timestamp,
    /// Microseconds spent computing; 0 from a cache.
    pub compute_micros: i64,
    /// Which cache answered, if any.
    pub cache: CacheLevel,
    /// Instance id of the processor that answered.
    pub processor: String,
}

/// How a computation ended. The order of the variants is the order of the schema's union.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// There is a result.
    Succeeded {
        /// The integer in decimal digits.
        result: String,
        /// Decimal digits of the result, sign not counted.
        digits: i64,
        /// Bits of the result's magnitude.
        bits: i64,
    },
    /// The computation was refused or could not be done.
    Failed {
        /// Stable machine-readable reason.
        code: String,
        /// What is wrong and what to change.
        message: String,
    },
}

/// Where a result came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum CacheLevel {
    /// Computed for this request.
    #[default]
    None,
    /// The processor's memory.
    Memory,
    /// Redis.
    Redis,
}

impl CacheLevel {
    /// The symbol of the Avro enum.
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
