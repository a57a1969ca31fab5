//! Writer schemas from the registry, with retries during an outage.

use abacus_registry::{RegistryConfig, SchemaRegistry};
use abacus_runtime::ReadinessGate;
use abacus_schemas::{Decoder, Event, SchemaId};
use tokio::runtime::Handle;
use tracing::warn;

use crate::backoff::Backoff;
use crate::error::Stop;

/// Client of the schema registry.
pub(super) struct Schemas {
    registry: SchemaRegistry,
    tokio: Handle,
    gate: ReadinessGate,
}

impl Schemas {
    /// Creates a client without a call: the projector starts without the registry.
    pub(super) fn new(
        config: &RegistryConfig,
        tokio: Handle,
        gate: ReadinessGate,
    ) -> Result<Self, Stop> {
        let registry = SchemaRegistry::new(config)?;
        gate.ready();
        Ok(Self { registry, tokio, gate })
    }

    /// Teaches `decoder` the schema `id`. Waits while the registry is away. The inner error is the
    /// reason for a permanent failure.
    pub(super) fn teach<E: Event>(
        &self,
        topic: &str,
        decoder: &Decoder<E>,
        id: SchemaId,
        backoff: &mut Backoff,
    ) -> Result<Result<(), String>, Stop> {
        let answer = loop {
            match self.tokio.block_on(self.registry.resolve_on(topic, decoder, id)) {
                Err(error) if error.is_transient() || error.is_not_registered() => {
                    warn!(schema.id = id.0, %error, "a record waits for its schema");
                    self.gate.not_ready("a record waits for its schema");
                    backoff.wait()?;
                }
                answer => break answer,
            }
        };
        self.gate.ready();
        backoff.reset();
        Ok(answer.map_err(|error| error.to_string()))
    }
}
