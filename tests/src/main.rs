//! End-to-end tests of Abacus: real processes over real servers, as seen by callers, producers, and
//! readers of the topics and of the request log, also during faults.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "allowed in tests, and so in their helpers"
)]

mod access;
mod claims;
mod clients;
mod codecs;
mod crash;
mod crowd;
mod dead_letters;
mod direct;
mod evolution;
mod exactly_once;
mod examples;
mod failover;
mod flood;
mod forged_results;
mod fuzz;
mod heavy;
mod history;
mod history_api;
mod http;
mod idempotency;
mod identity;
mod late_end_txn;
mod messages;
mod openapi;
mod oracle;
mod outage;
mod poison;
mod protection;
mod python;
mod redis_memory;
mod refusal;
mod registry;
mod rejected;
mod results;
mod roles;
mod settings;
mod shutdown;
mod stream;
mod takeover;
mod topics;
mod transactions;
mod waiting;
