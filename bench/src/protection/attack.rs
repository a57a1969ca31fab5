//! The attack: a flood and slow connections, on separate threads. The measured caller must not
//! notice it.

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Result, anyhow};
use reqwest::StatusCode;
use serde::Serialize;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{MissedTickBehavior, interval};

use super::caller::{ask, client};

const ADDRESS: &str = "192.0.2.1";
/// Interval between the bytes of a slow connection. A closed connection is opened again.
const TRICKLE_INTERVAL: Duration = Duration::from_millis(200);
/// Largest number of the flood's requests in flight.
const MAX_IN_FLIGHT: usize = 256;

type Answer = Result<Result<StatusCode>, JoinError>;

/// A running attack.
pub(super) struct Attack {
    counts: Arc<Counts>,
    threads: Vec<JoinHandle<Result<()>>>,
}

#[derive(Debug, Default)]
struct Counts {
    is_over: AtomicBool,
    asked: AtomicU64,
    refused: AtomicU64,
    cut: AtomicU64,
}

/// The outcome of an attack.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Outcome {
    pub(super) asked: u64,
    /// Number of requests answered with 429.
    pub(super) refused: u64,
    /// Number of slow connections closed by the server.
    pub(super) cut: u64,
}

impl Attack {
    /// Starts a flood of `rate` requests per second, and `slow` slow connections.
    pub(super) fn start(server: SocketAddr, rate: u32, slow: u32) -> Result<Self> {
        let counts = Arc::<Counts>::default();
        let flooding = Arc::clone(&counts);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let flood = thread::spawn(move || runtime.block_on(flood(server, rate, &flooding)));
        let trickling = Arc::clone(&counts);
        let slow = thread::spawn(move || trickle(server, slow, &trickling));
        Ok(Self { counts, threads: vec![flood, slow] })
    }

    pub(super) fn stop(self) -> Result<Outcome> {
        self.counts.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().map_err(|_| anyhow!("the attack panicked"))??;
        }
        let count = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let Counts { asked, refused, cut, .. } = &*self.counts;
        Ok(Outcome { asked: count(asked), refused: count(refused), cut: count(cut) })
    }
}

async fn flood(server: SocketAddr, rate: u32, counts: &Counts) -> Result<()> {
    let client = client()?;
    let mut turns = interval(Duration::from_secs(1) / rate);
    turns.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut asked = JoinSet::new();
    while !counts.is_over.load(Ordering::Relaxed) {
        turns.tick().await;
        let client = client.clone();
        let number = u32::try_from(counts.asked.fetch_add(1, Ordering::Relaxed) % 1_000)?;
        asked.spawn(async move { ask(&client, server, ADDRESS, number).await });
        if asked.len() >= MAX_IN_FLIGHT {
            note(asked.join_next().await.as_ref(), counts);
        }
        while let Some(answer) = asked.try_join_next() {
            note(Some(&answer), counts);
        }
    }
    Ok(())
}

fn note(answer: Option<&Answer>, counts: &Counts) {
    let is_refused = matches!(answer, Some(Ok(Ok(StatusCode::TOO_MANY_REQUESTS))));
    counts.refused.fetch_add(u64::from(is_refused), Ordering::Relaxed);
}

fn trickle(server: SocketAddr, slow: u32, counts: &Counts) -> Result<()> {
    let open = || -> Result<TcpStream> {
        let mut connection = TcpStream::connect(server)?;
        connection.write_all(b"GET / HTTP/1.1\r\nx: ")?;
        Ok(connection)
    };
    let mut connections = (0..slow).map(|_| open()).collect::<Result<Vec<_>>>()?;
    while !counts.is_over.load(Ordering::Relaxed) {
        for connection in &mut connections {
            if connection.write_all(b"x").is_err() {
                counts.cut.fetch_add(1, Ordering::Relaxed);
                *connection = open()?;
            }
        }
        thread::park_timeout(TRICKLE_INTERVAL);
    }
    Ok(())
}
