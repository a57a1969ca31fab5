//! Encoding and decoding of events in the Confluent wire format: a zero byte, the schema id in
//! four big-endian bytes, then the Avro binary.
//!
//! The encoder always uses the schema of this version. The decoder uses the schema of the writer,
//! by schema resolution as in the Avro specification: a new field takes its default, and an unknown
//! field is skipped. This module does no I/O: [`Decoder::decode`] reports an unknown schema id, and
//! the caller fetches the schema and adds it with [`Decoder::learn`].

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::{Arc, PoisonError, RwLock};

use apache_avro::writer::datum::GenericDatumWriter;

use crate::avro::{self, Plan, ReadError, Role, Types};
use crate::event::Event;
use crate::limits::DecodeLimits;

/// First byte of every record. Confluent uses 1 for its form with a 16-byte GUID.
const MAGIC: u8 = 0;
/// Length of the magic byte and the schema id, in bytes.
const PREFIX_LEN: usize = 5;

/// Id of a schema in the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SchemaId(pub u32);

impl std::fmt::Display for SchemaId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// An event could not be encoded, because the Rust type and the schema disagree.
#[derive(Debug, thiserror::Error)]
#[error("the event does not fit its schema")]
pub struct EncodeError(#[source] Box<apache_avro::Error>);

/// A record could not be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The schema of the writer is unknown. Fetch the schema, call [`Decoder::learn`], and decode
    /// again.
    #[error("schema id {0} has not been learned")]
    UnknownSchema(SchemaId),
    /// The bytes are not an event. Another attempt gives an equal result.
    #[error("malformed record: {0}")]
    Malformed(String),
    /// The record exceeds a limit of [`DecodeLimits`]. Another attempt gives an equal result.
    #[error("{0}")]
    TooLarge(String),
}

impl From<ReadError> for DecodeError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Malformed(reason) => Self::Malformed(reason),
            ReadError::TooLarge(reason) => Self::TooLarge(reason),
        }
    }
}

/// A writer schema that cannot be read as this event.
#[derive(Debug, thiserror::Error)]
#[error("a schema cannot be read as {event}: {reason}")]
pub struct SchemaError {
    event: String,
    reason: String,
}

/// Encoder for events of a type, under a fixed schema id.
pub struct Encoder<E: Event> {
    prefix: [u8; PREFIX_LEN],
    writer: GenericDatumWriter<'static>,
    event: PhantomData<fn(E)>,
}

impl<E: Event> Encoder<E> {
    /// Creates an encoder for the current schema, which has the id `id` in the registry.
    pub fn new(id: SchemaId) -> Result<Self, EncodeError> {
        let writer = GenericDatumWriter::builder(E::schema())
            .human_readable(false)
            .build()
            .map_err(|error| EncodeError(Box::new(error)))?;
        let [a, b, c, d] = id.0.to_be_bytes();
        Ok(Self { prefix: [MAGIC, a, b, c, d], writer, event: PhantomData })
    }

    /// Returns the record value of `event`.
    pub fn encode(&self, event: &E) -> Result<Vec<u8>, EncodeError> {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(&self.prefix);
        self.writer.write_ser(&mut bytes, event).map_err(|error| EncodeError(Box::new(error)))?;
        Ok(bytes)
    }
}

/// Decoder for events of a type, written with any registered version of the schema.
pub struct Decoder<E: Event> {
    /// The schema of this version.
    reader: Types,
    limits: DecodeLimits,
    writers: RwLock<HashMap<SchemaId, Arc<WriterSchema>>>,
    event: PhantomData<fn() -> E>,
}

/// Schema of a writer, resolved with the schema of this version.
struct WriterSchema {
    types: Types,
    plan: Plan,
    /// The text equals the schema of this version.
    is_own: bool,
}

impl<E: Event> Decoder<E> {
    /// Creates a decoder without schemas, with the default limits.
    pub fn new() -> Result<Self, SchemaError> {
        Self::with_limits(DecodeLimits::default())
    }

    /// Creates a decoder without schemas.
    pub fn with_limits(limits: DecodeLimits) -> Result<Self, SchemaError> {
        let reader = avro::parse(E::SCHEMA_JSON, &[], Role::Reader).map_err(schema_error::<E>)?;
        Ok(Self { reader, limits, writers: RwLock::default(), event: PhantomData })
    }

    /// Adds the schema `text` of records with the id `id`.
    pub fn learn(&self, id: SchemaId, text: &str) -> Result<(), SchemaError> {
        self.learn_with_references(id, text, &[])
    }

    /// Adds the schema `text`, which uses types of the schemas `references`. A reference comes after
    /// its own references.
    pub fn learn_with_references(
        &self,
        id: SchemaId,
        text: &str,
        references: &[&str],
    ) -> Result<(), SchemaError> {
        let writer = self.resolved(text, references).map_err(schema_error::<E>)?;
        let mut writers = self.writers.write().unwrap_or_else(PoisonError::into_inner);
        if writers.len() >= self.limits.schemas && !writers.contains_key(&id) {
            let dropped = writers.iter().find(|(_, writer)| !writer.is_own).map(|(id, _)| *id);
            dropped.map(|id| writers.remove(&id));
        }
        writers.insert(id, Arc::new(writer));
        Ok(())
    }

    fn resolved(&self, text: &str, references: &[&str]) -> Result<WriterSchema, String> {
        let bytes = text.len() + references.iter().map(|text| text.len()).sum::<usize>();
        if bytes > self.limits.schema_bytes {
            return Err(format!("its {bytes} bytes exceed {}", self.limits.schema_bytes));
        }
        if references.len() > self.limits.schema_references {
            return Err(format!("it has more than {} references", self.limits.schema_references));
        }
        let types = avro::parse(text, references, Role::Writer)?;
        let plan = avro::resolve(&types, &self.reader)?;
        Ok(WriterSchema { types, plan, is_own: is_equal_json(text, E::SCHEMA_JSON) })
    }

    /// Returns `true` if the schema `id` was added.
    pub fn has_learned(&self, id: SchemaId) -> bool {
        self.writers.read().unwrap_or_else(PoisonError::into_inner).contains_key(&id)
    }

    /// Returns the event in the record value `bytes`.
    pub fn decode(&self, bytes: &[u8]) -> Result<E, DecodeError> {
        if bytes.len() > self.limits.record_bytes {
            return Err(DecodeError::TooLarge(format!(
                "the record's {} bytes exceed {}",
                bytes.len(),
                self.limits.record_bytes
            )));
        }
        let (id, body) = split(bytes)?;
        let writer = self
            .writers
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .cloned()
            .ok_or(DecodeError::UnknownSchema(id))?;
        Ok(avro::from_bytes(body, &writer.plan, &writer.types, self.limits.values())?)
    }
}

fn schema_error<E: Event>(reason: String) -> SchemaError {
    let event = E::schema().name().map(ToString::to_string).unwrap_or_default();
    SchemaError { event, reason }
}

/// Returns `true` for two texts of one schema: the registry may change white space.
fn is_equal_json(one: &str, other: &str) -> bool {
    let parsed = |text| serde_json::from_str::<serde_json::Value>(text).ok();
    parsed(one).is_some_and(|one| Some(one) == parsed(other))
}

/// Splits a record value into schema id and Avro binary.
fn split(bytes: &[u8]) -> Result<(SchemaId, &[u8]), DecodeError> {
    let malformed = |text: &str| DecodeError::Malformed(text.to_owned());
    match bytes {
        [MAGIC, a, b, c, d, body @ ..] => {
            Ok((SchemaId(u32::from_be_bytes([*a, *b, *c, *d])), body))
        }
        [] => Err(malformed("the record is empty")),
        [MAGIC, ..] => Err(malformed("the record ends inside the schema id")),
        [1, ..] => Err(malformed("the record carries a schema GUID (magic byte 1), not an id")),
        [magic, ..] => Err(DecodeError::Malformed(format!(
            "magic byte {magic} is not the Confluent wire format's 0"
        ))),
    }
}

#[cfg(test)]
mod tests;
