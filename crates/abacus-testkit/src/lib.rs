//! Real servers, real processes and real faults for tests.
//!
//! [`Stack`] is where the servers are; a [`System`] is an Abacus of its own on them, with topics,
//! database, Redis keys and consumer groups that no other test has, so that tests run side by
//! side. A [`Service`] is one real binary. [`Client`] asks over HTTP, [`Kafka`] produces and reads
//! records, [`Database`] reads the log. [`FaultProxy`], [`RedisServer`], [`Broker`] and [`Cluster`]
//! are what a test breaks.
//!
//! Nothing here returns an error: a test that cannot go on panics, and says with what.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test kit: whatever goes wrong fails the test"
)]

mod broker;
mod client;
mod cluster;
mod database;
mod direct_producer;
mod events;
mod fault_proxy;
mod follower;
mod kafka;
mod load;
mod metrics;
mod ports;
mod process;
mod record;
mod redis_server;
mod service;
mod stack;
mod system;
mod wait;

pub use broker::Broker;
pub use client::{Client, HttpRequest, Response};
pub use cluster::Cluster;
pub use database::{Database, LogRow};
pub use direct_producer::{DirectProducer, PendingDelivery};
pub use events::{Events, request};
pub use fault_proxy::{Fault, FaultProxy};
pub use follower::Follower;
pub use kafka::Kafka;
pub use load::{Load, Sample};
pub use process::Process;
/// A record that was not written.
pub use rdkafka::error::KafkaError as WriteError;
pub use record::{Isolation, NewRecord, Position, Record};
pub use redis_server::RedisServer;
/// A request that got no response.
pub use reqwest::Error as HttpError;
pub use service::{Service, ServiceSetup};
pub use stack::Stack;
pub use system::{System, TOKEN_KEYS};
pub use wait::{PATIENCE, wait_until};
