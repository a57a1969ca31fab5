//! Events to bytes and back, in the Confluent wire format: a zero byte, the schema id in four
//! big-endian bytes, then the Avro binary.
//!
//! Writing always uses our own schema. Reading uses the schema the record was written with:
//! directly where it has our canonical form, otherwise by resolving it into ours as the Avro
//! specification says (a new field takes its default, an unknown one is dropped). This module asks
//! nobody for a schema: [`Decoder::decode`] reports an id it has not learned, and the caller,
//! who has the registry, teaches it with [`Decoder::learn`].

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::{Arc, PoisonError, RwLock};

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::util::max_allocation_bytes;
use apache_avro::writer::datum::GenericDatumWriter;

use crate::event::Event;

/// First byte of every record; 1 would announce Confluent's 16-byte GUID form.
const MAGIC: u8 = 0;
const PREFIX_LEN: usize = 5;

/// The most that decoding one field may allocate. Twice the largest record a topic takes: a length
/// prefix that lies is refused before memory is asked for.
const MAX_ALLOCATION_BYTES: usize = 16 << 20;

/// The id under which a registry knows a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SchemaId(pub u32);

impl std::fmt::Display for SchemaId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// An event could not be written; with our own types this means schema and type disagree.
#[derive(Debug, thiserror::Error)]
#[error("the event does not fit its schema")]
pub struct EncodeError(#[source] Box<apache_avro::Error>);

/// A record could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The writer's schema has not been learned yet: fetch it, [`Decoder::learn`] it, try again.
    #[error("schema id {0} has not been learned")]
    UnknownSchema(SchemaId),
    /// The bytes are not an event and never will be.
    #[error("malformed record: {0}")]
    Malformed(String),
}

/// A writer schema that can never be read as this event.
#[derive(Debug, thiserror::Error)]
#[error("schema id {id} cannot be read as {event}: {reason}")]
pub struct SchemaError {
    id: SchemaId,
    event: String,
    reason: String,
}

/// Writes events of one type under one schema id.
pub struct Encoder<E: Event> {
    prefix: [u8; PREFIX_LEN],
    writer: GenericDatumWriter<'static>,
    event: PhantomData<fn(E)>,
}

impl<E: Event> Encoder<E> {
    /// An encoder for events whose (own) schema the registry knows as `id`.
    pub fn new(id: SchemaId) -> Result<Self, EncodeError> {
        let writer = GenericDatumWriter::builder(E::schema())
            .human_readable(false)
            .build()
            .map_err(|error| EncodeError(Box::new(error)))?;
        let [a, b, c, d] = id.0.to_be_bytes();
        Ok(Self { prefix: [MAGIC, a, b, c, d], writer, event: PhantomData })
    }

    /// The record value for `event`.
    pub fn encode(&self, event: &E) -> Result<Vec<u8>, EncodeError> {
        let mut bytes = Vec::with_capacity(256);
        bytes.extend_from_slice(&self.prefix);
        self.writer.write_ser(&mut bytes, event).map_err(|error| EncodeError(Box::new(error)))?;
        Ok(bytes)
    }
}

/// Reads events of one type, whichever registered version they were written with.
pub struct Decoder<E: Event> {
    ours: GenericDatumReader<'static>,
    writers: RwLock<HashMap<SchemaId, Writer>>,
    event: PhantomData<fn() -> E>,
}

#[derive(Clone)]
enum Writer {
    Ours,
    Other(Arc<Schema>),
}

impl<E: Event> Decoder<E> {
    /// A decoder that has learned no schema yet.
    pub fn new() -> Result<Self, EncodeError> {
        max_allocation_bytes(MAX_ALLOCATION_BYTES);
        let ours = GenericDatumReader::builder(E::schema())
            .human_readable(false)
            .build()
            .map_err(|error| EncodeError(Box::new(error)))?;
        Ok(Self { ours, writers: RwLock::default(), event: PhantomData })
    }

    /// Takes note that records under `id` were written with the schema `json`.
    pub fn learn(&self, id: SchemaId, json: &str) -> Result<(), SchemaError> {
        let refuse = |reason: String| SchemaError {
            id,
            event: E::schema().name().map(ToString::to_string).unwrap_or_default(),
            reason,
        };
        let schema = Schema::parse_str(json).map_err(|error| refuse(error.to_string()))?;
        if schema.name().map(ToString::to_string) != E::schema().name().map(ToString::to_string) {
            return Err(refuse("it describes another record".to_owned()));
        }
        let writer = if schema.canonical_form() == E::schema().canonical_form() {
            Writer::Ours
        } else {
            Writer::Other(Arc::new(schema))
        };
        self.writers.write().unwrap_or_else(PoisonError::into_inner).insert(id, writer);
        Ok(())
    }

    /// Whether records under `id` can be read.
    pub fn has_learned(&self, id: SchemaId) -> bool {
        self.writers.read().unwrap_or_else(PoisonError::into_inner).contains_key(&id)
    }

    /// The event in the record value `bytes`.
    pub fn decode(&self, bytes: &[u8]) -> Result<E, DecodeError> {
        let (id, mut body) = split(bytes)?;
        let writer = self
            .writers
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .cloned()
            .ok_or(DecodeError::UnknownSchema(id))?;
        let event = match writer {
            Writer::Ours => self.ours.read_deser(&mut body),
            Writer::Other(schema) => self.resolve(&schema, &mut body),
        }
        .map_err(|error| DecodeError::Malformed(error.to_string()))?;
        if body.is_empty() {
            Ok(event)
        } else {
            Err(DecodeError::Malformed(format!("{} bytes follow the event", body.len())))
        }
    }

    /// Resolution works on Avro values, typed reading on bytes: so the resolved value is written
    /// once more, in our schema, and read from there. Slow, and only for other versions.
    fn resolve(&self, writer: &Schema, body: &mut &[u8]) -> Result<E, apache_avro::Error> {
        let value = GenericDatumReader::builder(writer)
            .reader_schema(E::schema())
            .human_readable(false)
            .build()?
            .read_value(body)?;
        let bytes = GenericDatumWriter::builder(E::schema()).build()?.write_value_to_vec(value)?;
        self.ours.read_deser(&mut bytes.as_slice())
    }
}

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
