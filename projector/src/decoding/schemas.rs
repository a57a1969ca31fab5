//! The registry, asked with patience.

use abacus_registry::{RegistryConfig, SchemaRegistry};
use abacus_runtime::ReadinessGate;
use abacus_schemas::{Decoder, Event, SchemaId};
use tokio::runtime::Handle;
use tracing::warn;

use crate::error::Stop;
use crate::patience::Patience;

pub(super) struct Schemas {
    registry: SchemaRegistry,
    tokio: Handle,
    gate: ReadinessGate,
}

impl Schemas {
    /// Asks nothing yet: the projector starts without the registry.
    pub(super) fn new(
        config: &RegistryConfig,
        tokio: Handle,
        gate: ReadinessGate,
    ) -> Result<Self, Stop> {
        let registry = SchemaRegistry::new(config)?;
        gate.ready();
        Ok(Self { registry, tokio, gate })
    }

    /// Teaches `decoder` the schema `id`, however long the registry is away; the inner error says
    /// why there is nothing to be learned.
    pub(super) fn teach<E: Event>(
        &self,
        topic: &str,
        decoder: &Decoder<E>,
        id: SchemaId,
        patience: &mut Patience,
    ) -> Result<Result<(), String>, Stop> {
        let answer = loop {
            match self.tokio.block_on(self.registry.resolve_on(topic, decoder, id)) {
                Err(error) if error.is_transient() || error.is_not_registered() => {
                    warn!(schema.id = id.0, %error, "a record waits for its schema");
                    self.gate.not_ready("a record waits for its schema");
                    patience.wait()?;
                }
                answer => break answer,
            }
        };
        self.gate.ready();
        patience.renew();
        Ok(answer.map_err(|error| error.to_string()))
    }
}
