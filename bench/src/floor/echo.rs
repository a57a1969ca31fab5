//! The echo of the floor: answers each request with equal bytes on the reply topic.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::{Context, Result};
use rdkafka::Message;
use rdkafka::message::BorrowedMessage;

use super::clients::{self, POLL_INTERVAL, Producer, Record};
use super::headers::ReplyTo;
use super::topics::REQUEST_PARTITIONS;

/// Replies to every request with the request's bytes, at the address in its headers, until standard
/// input is closed.
pub(crate) fn run(bootstrap: &str, requests: &str) -> Result<()> {
    let is_closed = watch_standard_input()?;
    let consumer = clients::consumer(bootstrap, requests, REQUEST_PARTITIONS)?;
    let producer = Producer::connect(bootstrap)?;
    while !is_closed.load(Ordering::Relaxed) {
        let Some(request) = consumer.poll(POLL_INTERVAL) else { continue };
        let request = request.with_context(|| format!("cannot read {requests}"))?;
        reply(&producer, &request)?;
    }
    producer.check()
}

fn reply(producer: &Producer, request: &BorrowedMessage<'_>) -> Result<()> {
    let address = request.headers().and_then(ReplyTo::of);
    let address = address.context("a request without the address of its reply")?;
    producer.send(Record {
        topic: address.topic,
        partition: address.partition,
        key: address.correlation_id,
        payload: request.payload().unwrap_or_default(),
        headers: address.reply_headers(),
    })
}

/// Watches for the end of standard input. A pipe ends with the process at its other end, so the
/// echo never outlives the measurement.
fn watch_standard_input() -> Result<Arc<AtomicBool>> {
    let is_closed = Arc::<AtomicBool>::default();
    let flag = Arc::clone(&is_closed);
    thread::Builder::new().name("standard-input".to_owned()).spawn(move || {
        // The end of the pipe and an error both mean the end of the measurement.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        flag.store(true, Ordering::Relaxed);
    })?;
    Ok(is_closed)
}
