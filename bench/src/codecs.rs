//! Codecs of the events, under the ids of the registry, for the topics named by the environment.

use abacus_registry::{RegistryConfig, SchemaRegistry};
use abacus_runtime::{Config, Environment};
use abacus_schemas::{ComputeCompleted, ComputeRequested, Decoder, Encoder, Topics};
use anyhow::Result;

/// Encoders and decoders of both events.
pub(crate) struct Codecs {
    pub(crate) request_encoder: Encoder<ComputeRequested>,
    pub(crate) request_decoder: Decoder<ComputeRequested>,
    pub(crate) completion_encoder: Encoder<ComputeCompleted>,
    pub(crate) completion_decoder: Decoder<ComputeCompleted>,
}

impl Codecs {
    /// Fetches the schemas from the registry of the services.
    pub(crate) async fn look_up(topics: &Topics) -> Result<Self> {
        let mut environment = Environment::from_process();
        let registry = RegistryConfig::read(&mut environment);
        environment.finish()?;
        let registry = SchemaRegistry::new(&registry)?;
        Ok(Self {
            request_encoder: registry.encoder(&topics.requested).await?,
            request_decoder: registry.decoder(&topics.requested).await?,
            completion_encoder: registry.encoder(&topics.completed).await?,
            completion_decoder: registry.decoder(&topics.completed).await?,
        })
    }
}
