//! The projector: writes requested and completed events into Postgres, exactly once.
//!
//! The way of a record, module by module:
//!
//! 1. [`projection`] is the loop: it takes batches of both topics off Kafka.
//! 2. [`decoding`] makes each record an [`entry`]: a [`row`], or a reason why there is none.
//! 3. [`offsets`] lets those entries through that the database does not have yet.
//! 4. [`writer`] has the batch written, through every outage, and [`database`] does it: rows and
//!    next offsets in one transaction.
//!
//! **Invariants:** the next offsets in Postgres move only together with the rows before them, and
//! only from the value this process knows (compare-and-set), so of two projectors that hold the
//! same partition one always loses. What Postgres said last is believed over what this process
//! remembers. Nothing is skipped because an outside system is away.

// The modules are private, and their map above is for those who read the source.
#![allow(rustdoc::private_intra_doc_links)]

mod app;
mod backoff;
mod batch;
mod config;
mod database;
mod decoding;
mod entry;
mod error;
mod metrics;
mod projection;
mod reports;
mod row;
mod start_offsets;
mod storable;
mod stored_offsets;
mod writer;

pub use app::start;
pub use config::ProjectorConfig;
