//! Encoding and decoding of events, under the schema ids of the registry.

use std::collections::BTreeMap;

use abacus_registry::{RegistryConfig, SchemaRegistry};
use abacus_schemas::{
    ComputeCompleted, ComputeRequested, DecodeError, Decoder, Encoder, Event, Timestamp, Topics,
};
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

use crate::record::Record;

/// Codecs of both events, for every version in the registry.
pub struct Events {
    registry: SchemaRegistry,
    runtime: Runtime,
    encode_requested: Encoder<ComputeRequested>,
    encode_completed: Encoder<ComputeCompleted>,
    decode_requested: Decoder<ComputeRequested>,
    decode_completed: Decoder<ComputeCompleted>,
}

impl Events {
    /// Fetches the schemas of `topics` from the registry.
    pub(crate) fn load(registry: &str, topics: &Topics) -> Self {
        let registry = SchemaRegistry::new(&RegistryConfig::at(registry)).unwrap();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        Self {
            encode_requested: runtime.block_on(registry.encoder(&topics.requested)).unwrap(),
            encode_completed: runtime.block_on(registry.encoder(&topics.completed)).unwrap(),
            decode_requested: Decoder::new().unwrap(),
            decode_completed: Decoder::new().unwrap(),
            registry,
            runtime,
        }
    }

    /// Encodes a request as the value of a record.
    pub fn encode(&self, request: &ComputeRequested) -> Vec<u8> {
        self.encode_requested.encode(request).expect("a request fits its schema")
    }

    /// Encodes a completion as the value of a record.
    pub fn encode_completed(&self, completion: &ComputeCompleted) -> Vec<u8> {
        self.encode_completed.encode(completion).expect("a completion fits its schema")
    }

    /// Decodes the request in a record. Returns `None` for any other value.
    pub fn requested(&self, record: &Record) -> Option<ComputeRequested> {
        self.decode(&self.decode_requested, &record.payload).ok()
    }

    /// Decodes the completion in a record.
    #[track_caller]
    pub fn completed(&self, record: &Record) -> ComputeCompleted {
        self.decode(&self.decode_completed, &record.payload)
            .unwrap_or_else(|error| panic!("{error}: {record:?}"))
    }

    /// Decodes the completion in a record. Returns `None` for any other value.
    pub fn try_completed(&self, record: &Record) -> Option<ComputeCompleted> {
        self.decode(&self.decode_completed, &record.payload).ok()
    }

    fn decode<E: Event>(&self, decoder: &Decoder<E>, payload: &[u8]) -> Result<E, String> {
        if let Err(DecodeError::UnknownSchema(id)) = decoder.decode(payload) {
            let learned = self.runtime.block_on(self.registry.resolve(decoder, id));
            learned.map_err(|error| error.to_string())?;
        }
        decoder.decode(payload).map_err(|error| error.to_string())
    }
}

/// A request with a new id.
pub fn request(operation: &str, operands: &[(&str, &str)]) -> ComputeRequested {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    ComputeRequested {
        request_id: Uuid::now_v7().to_string(),
        operation: operation.to_owned(),
        operands: operands.iter().map(owned).collect::<BTreeMap<_, _>>(),
        requester: None,
        source: "tests".to_owned(),
        requested_at: Timestamp::now(),
    }
}
