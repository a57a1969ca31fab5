//! One request for one reply, over Kafka.

use std::sync::Arc;
use std::time::Duration;

use abacus_registry::SchemaRegistry;
use abacus_runtime::{Config, Environment};
use abacus_schemas::{ComputeCompleted, ComputeRequested, DecodeError, Decoder};
use uuid::Uuid;

use crate::error::Error;
use crate::publisher::{Envelope, Publisher};
use crate::waiters::{Ending, Full, Waiters};

/// Less than this is no time to wait at all.
const SHORTEST_WAIT: Duration = Duration::from_millis(10);

/// How long, and how many, may wait.
#[derive(Clone, Debug)]
pub(crate) struct ExchangeConfig {
    pub(crate) wait: Duration,
    pub(crate) max_waiters: usize,
}

impl Config for ExchangeConfig {
    fn read(env: &mut Environment) -> Self {
        let wait = env.get(
            "ABACUS_WAIT",
            "30s",
            "How long an HTTP request waits for its result before it is answered 202 pending",
        );
        if wait < SHORTEST_WAIT {
            env.problem("ABACUS_WAIT", format!("expected at least {SHORTEST_WAIT:?}"));
        }
        let max_waiters = env.get(
            "ABACUS_MAX_WAITERS",
            "20000",
            "How many HTTP requests may wait at a time; more are answered 503",
        );
        if max_waiters == 0 {
            env.problem("ABACUS_MAX_WAITERS", "expected at least 1");
        }
        Self { wait, max_waiters }
    }
}

/// Sends requests and waits for their replies.
pub(crate) struct Exchange {
    pub(crate) waiters: Arc<Waiters>,
    pub(crate) publisher: Publisher,
    pub(crate) decoder: Decoder<ComputeCompleted>,
    pub(crate) registry: SchemaRegistry,
    pub(crate) wait: Duration,
}

impl Exchange {
    /// Publishes the request, known as `id`, and waits for the answer; `None` if the request is in
    /// the log and will be worked on, but there is no answer yet. The waiter is there before the
    /// record is, and gone when this future is.
    pub(crate) async fn ask(
        &self,
        id: Uuid,
        request: &ComputeRequested,
        traceparent: Option<&[u8]>,
    ) -> Result<Option<ComputeCompleted>, Error> {
        self.publisher.check()?;
        let waiter = self.waiters.register(id)?;
        self.publisher.publish(request, Envelope { id, traceparent })?;
        match waiter.wait(self.wait).await {
            Ending::Reply(bytes) => self.read(&bytes).await.map(Some),
            Ending::Pending => Ok(None),
            Ending::NotWritten(reason) => Err(Error::NotWritten { reason }),
            Ending::Unconfirmed => Err(Error::Unconfirmed),
        }
    }

    /// A reply in a schema not seen before is worth a question to the registry.
    async fn read(&self, bytes: &[u8]) -> Result<ComputeCompleted, Error> {
        match self.decoder.decode(bytes) {
            Err(DecodeError::UnknownSchema(schema)) => {
                let learned = self.registry.resolve(&self.decoder, schema).await;
                learned.map_err(Error::UnknownReplySchema)?;
                Ok(self.decoder.decode(bytes)?)
            }
            result => Ok(result?),
        }
    }
}

impl From<Full> for Error {
    fn from(_: Full) -> Self {
        Self::TooManyWaiting
    }
}
