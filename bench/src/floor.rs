//! The floor: what a request and its reply cost on this broker with nothing around them.
//!
//! Two hops: a requester writes to a topic of four partitions and keeps to one of them for 5 ms at a time;
//! an echo, a process of its own as the system's parts are, writes the same bytes to a reply topic of one
//! partition, which the requester reads. Requests carry the address of their reply. Producers are
//! idempotent, wait for all replicas and linger not at all. Clients are polled on threads of their
//! own, outside of any async runtime.

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
use self::topics::{Names, Topics};

pub(crate) use self::echo::run as echo;

/// The echo and its requester, ready to be measured again and again.
pub(crate) struct Floor {
    topics: Topics,
    echo: EchoProcess,
    requester: Requester,
}

impl Floor {
    /// Makes topics of its own and starts the echo.
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

    /// Keeps `in_flight` requests going for as long as `time`.
    pub(crate) fn measure(&mut self, in_flight: u32, time: Duration) -> Result<Outcome> {
        self.requester.measure(in_flight, time)
    }

    /// Stops the echo and removes the topics.
    pub(crate) async fn stop(self) -> Result<()> {
        let echo = self.echo.stop();
        drop(self.requester);
        self.topics.delete().await?;
        echo
    }
}

fn connect(bootstrap: &str, topics: &Names) -> Result<(EchoProcess, Requester)> {
    let echo = EchoProcess::start(bootstrap, &topics.requests)?;
    Ok((echo, Requester::connect(bootstrap, topics)?))
}
