//! Encoding and decoding of events in the Confluent wire format: a zero byte, the schema id in
//! four big-endian bytes, then the Avro binary.
//!
//! The encoder always uses the schema of this version. The decoder uses the schema of the writer:
//! directly if its canonical form equals the current schema, otherwise by schema resolution as in
//! the Avro specification (a new field takes its default, an unknown field is dropped). This
//! module does no I/O: [`Decoder::decode`] reports an unknown schema id, and the caller fetches
//! the schema and adds it with [`Decoder::learn`].

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::{Arc, PoisonError, RwLock};

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::util::max_allocation_bytes;
use apache_avro::writer::datum::GenericDatumWriter;

use crate::event::Event;

/// First byte of every record. Confluent uses 1 for its form with a 16-byte GUID.
const MAGIC: u8 = 0;
/// Length of the magic byte and the schema id, in bytes.
const PREFIX_LEN: usize = 5;

/// Largest allocation for decoding a field, twice the largest record of a topic. A false length
/// prefix is refused before an allocation.
const MAX_ALLOCATION_BYTES: usize = 16 << 20;

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
}

/// A writer schema that cannot be read as this event.
#[derive(Debug, thiserror::Error)]
#[error("schema id {id} cannot be read as {event}: {reason}")]
pub struct SchemaError {
    id: SchemaId,
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
    current: GenericDatumReader<'static>,
    writers: RwLock<HashMap<SchemaId, WriterSchema>>,
    event: PhantomData<fn() -> E>,
}

/// Schema of a writer, compared with the current schema.
#[derive(Clone)]
enum WriterSchema {
    Current,
    Other(Arc<Schema>),
}

impl<E: Event> Decoder<E> {
    /// Creates a decoder without schemas.
    pub fn new() -> Result<Self, EncodeError> {
        max_allocation_bytes(MAX_ALLOCATION_BYTES);
        let current = GenericDatumReader::builder(E::schema())
            .human_readable(false)
            .build()
            .map_err(|error| EncodeError(Box::new(error)))?;
        Ok(Self { current, writers: RwLock::default(), event: PhantomData })
    }

    /// Adds the schema `json` of records with the id `id`.
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
            WriterSchema::Current
        } else {
            WriterSchema::Other(Arc::new(schema))
        };
        self.writers.write().unwrap_or_else(PoisonError::into_inner).insert(id, writer);
        Ok(())
    }

    /// Returns `true` if the schema `id` was added.
    pub fn has_learned(&self, id: SchemaId) -> bool {
        self.writers.read().unwrap_or_else(PoisonError::into_inner).contains_key(&id)
    }

    /// Returns the event in the record value `bytes`.
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
            WriterSchema::Current => self.current.read_deser(&mut body),
            WriterSchema::Other(schema) => self.resolve(&schema, &mut body),
        }
        .map_err(|error| DecodeError::Malformed(error.to_string()))?;
        if body.is_empty() {
            Ok(event)
        } else {
            Err(DecodeError::Malformed(format!("{} bytes follow the event", body.len())))
        }
    }

    /// Decodes a record of another version. Schema resolution works on Avro values, and typed
    /// reading works on bytes; so the resolved value is encoded with the current schema and
    /// decoded again. Slow, and only for other versions.
    fn resolve(&self, writer: &Schema, body: &mut &[u8]) -> Result<E, apache_avro::Error> {
        let value = GenericDatumReader::builder(writer)
            .reader_schema(E::schema())
            .human_readable(false)
            .build()?
            .read_value(body)?;
        let bytes = GenericDatumWriter::builder(E::schema()).build()?.write_value_to_vec(value)?;
        self.current.read_deser(&mut bytes.as_slice())
    }
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
