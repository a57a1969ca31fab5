//! A caller with a steady rate of requests, regardless of the answers: an open loop.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Client, StatusCode};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::latency::{Latencies, Percentiles};

const TIMEOUT: Duration = Duration::from_secs(30);
/// Latencies of an open loop need no correction, as no caller is omitted.
const NO_CORRECTION: Duration = Duration::MAX;
const ADDRESS: &str = "192.0.2.2";

/// Sends `requests` requests, `rate` per second. Fails unless all are answered with 200. A latency
/// counts from the scheduled time of its request.
pub(super) async fn measure(server: SocketAddr, rate: u32, requests: u32) -> Result<Percentiles> {
    let client = client()?;
    let (start, interval) = (Instant::now(), Duration::from_secs(1) / rate);
    let mut asked = JoinSet::new();
    for number in 0..requests {
        let due = start + interval * number;
        sleep_until(due).await;
        let client = client.clone();
        asked.spawn(async move {
            ask(&client, server, ADDRESS, number).await.map(|s| (s, due.elapsed()))
        });
    }
    let mut latencies = Latencies::default();
    while let Some(answer) = asked.join_next().await {
        let (status, latency) = answer?.context("the measured caller")?;
        ensure!(status == StatusCode::OK, "the measured caller was answered {status}");
        latencies.record(latency);
    }
    latencies.percentiles(NO_CORRECTION).context("no latencies")
}

pub(super) fn client() -> Result<Client> {
    Ok(Client::builder().no_proxy().timeout(TIMEOUT).build()?)
}

/// Requests a light computation as the caller at `address`.
pub(super) async fn ask(
    client: &Client,
    server: SocketAddr,
    address: &str,
    number: u32,
) -> Result<StatusCode> {
    let url = format!("http://{server}/v1/pow/{}/3", number + 2);
    let answer = client.get(url).header("x-forwarded-for", address).send().await?;
    let status = answer.status();
    answer.bytes().await?;
    Ok(status)
}
