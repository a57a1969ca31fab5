#![doc = include_str!("../README.md")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test kit: any failure fails the test"
)]

mod attempts;
mod broker;
mod client;
mod cluster;
mod database;
mod direct_producer;
mod events;
mod fault_proxy;
mod follower;
mod kafka;
mod kafka_proxy;
mod load;
mod login;
mod metrics;
mod open_transaction;
mod ports;
mod process;
mod random;
mod raw_batch;
mod record;
mod redis_server;
mod service;
mod stack;
mod system;
mod violations;
mod wait;
mod wild_record;

pub use broker::Broker;
pub use client::{Client, HttpRequest, Response};
pub use cluster::Cluster;
pub use database::{Database, LogRow};
pub use direct_producer::{DirectProducer, PendingDelivery};
pub use events::{Events, request};
pub use fault_proxy::{Fault, FaultProxy};
pub use follower::Follower;
pub use kafka::Kafka;
pub use kafka_proxy::{CaughtEndTxn, EndTxnTrap};
pub use load::{Load, Sample};
pub use login::{SUPER_USER, client_properties};
pub use open_transaction::OpenTransaction;
pub use process::Process;
pub use random::Random;
pub use raw_batch::{RawBatch, RawRecord, Unreadable, batch_codecs};
/// The error of a record that was not written.
pub use rdkafka::error::KafkaError as WriteError;
/// The reason of a broker for refusing a call.
pub use rdkafka::error::RDKafkaErrorCode as ErrorCode;
pub use record::{Isolation, NewRecord, Position, Record};
pub use redis_server::RedisServer;
/// The error of a request without a response.
pub use reqwest::Error as HttpError;
pub use service::{Service, ServiceSetup};
pub use stack::Stack;
pub use system::{RECORD_KEY, System, TOKEN_KEYS};
pub use violations::Violations;
pub use wait::{PATIENCE, wait_until};
pub use wild_record::WildRecord;
