//! Events to bytes and back, under the ids that the registry gave out.

use std::collections::BTreeMap;

use abacus_registry::{RegistryConfig, SchemaRegistry};
use abacus_schemas::{
    ComputeCompleted, ComputeRequested, DecodeError, Decoder, Encoder, Event, Timestamp, Topics,
};
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

use crate::record::Record;

/// Writes and reads both events, in every version that the registry has.
pub struct Events {
    registry: SchemaRegistry,
    runtime: Runtime,
    encode_requested: Encoder<ComputeRequested>,
    encode_completed: Encoder<ComputeCompleted>,
    decode_requested: Decoder<ComputeRequested>,
    decode_completed: Decoder<ComputeCompleted>,
}

impl Events {
    /// Asks the registry for the schemas of `topics`.
    pub(crate) fn load(registry: &str, topics: &Topics) -> Self {
        let registry = SchemaRegistry::new(&RegistryConfig { url: registry.to_owned() }).unwrap();
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

    /// The value of a request's record.
    pub fn encode(&self, request: &ComputeRequested) -> Vec<u8> {
        self.encode_requested.encode(request).expect("a request fits its schema")
    }

    /// The value of a completion's record.
    pub fn encode_completed(&self, completion: &ComputeCompleted) -> Vec<u8> {
        self.encode_completed.encode(completion).expect("a completion fits its schema")
    }

    /// The request in a record, if there is one.
    pub fn requested(&self, record: &Record) -> Option<ComputeRequested> {
        self.decode(&self.decode_requested, &record.payload).ok()
    }

    /// The completion in a record.
    #[track_caller]
    pub fn completed(&self, record: &Record) -> ComputeCompleted {
        self.decode(&self.decode_completed, &record.payload)
            .unwrap_or_else(|error| panic!("{error}: {record:?}"))
    }

    fn decode<E: Event>(&self, decoder: &Decoder<E>, payload: &[u8]) -> Result<E, String> {
        if let Err(DecodeError::UnknownSchema(id)) = decoder.decode(payload) {
            let learned = self.runtime.block_on(self.registry.resolve(decoder, id));
            learned.map_err(|error| error.to_string())?;
        }
        decoder.decode(payload).map_err(|error| error.to_string())
    }
}

/// A request with an id of its own.
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
