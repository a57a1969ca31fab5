//! The floor: the cost of a request and its reply on this broker, with nothing else around.
//!
//! A request takes two hops. A requester writes to a topic of four partitions and changes the
//! partition every 5 ms. An echo, in a separate process like the parts of the system, writes equal
//! bytes to a reply topic of one partition, read by the requester. Requests carry the address of
//! their reply. Producers are idempotent, wait for all replicas, and do not linger. Threads outside
//! any async runtime poll the clients.

pub(crate) mod clients;
mod echo;
mod echo_process;
pub(crate) mod headers;
mod requester;
mod topics;

use std::time::Duration;

use anyhow::Result;

use crate::measurement::Outcome;

use self::echo_process::EchoProcess;
use self::requester::Requester;
use self::topics::{TopicNames, Topics};

pub(crate) use self::echo::run as echo;

/// The echo and its requester, for any number of measurements.
pub(crate) struct Floor {
    topics: Topics,
    echo: EchoProcess,
    requester: Requester,
}

impl Floor {
    /// Creates the floor's topics and starts the echo.
    pub(crate) async fn start(bootstrap: &str) -> Result<Self> {
        let topics = Topics::create(bootstrap).await?;
        let started = connect(bootstrap, topics.names());
        match started {
            Ok((echo, requester)) => Ok(Self { topics, echo, requester }),
            Err(error) => {
                topics.delete().await?;
                Err(error)
            }
        }
    }

    /// Keeps `in_flight` requests in flight for `time`.
    pub(crate) fn measure(&mut self, in_flight: u32, time: Duration) -> Result<Outcome> {
        self.requester.measure(in_flight, time)
    }

    /// Stops the echo and deletes the topics.
    pub(crate) async fn stop(self) -> Result<()> {
        let echo = self.echo.stop();
        drop(self.requester);
        self.topics.delete().await?;
        echo
    }
}

fn connect(bootstrap: &str, topics: &TopicNames) -> Result<(EchoProcess, Requester)> {
    let echo = EchoProcess::start(bootstrap, &topics.requests)?;
    Ok((echo, Requester::connect(bootstrap, topics)?))
}
