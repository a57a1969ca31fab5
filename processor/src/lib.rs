//! The processor: consumes requests, computes them on all cores with a cache, replies at once, and
//! completes each: exactly once, unless it is set to leave transactions out.
//!
//! The way of a record, module by module:
//!
//! 1. `intake` decodes it on the polling thread and makes it a job, or a dead letter.
//! 2. `workers` take jobs, those first that `deferred` holds back until there is memory for them.
//! 3. `calculator` answers a job: validation, `cache`, computation. A costly one it hands over to the
//!    heavy `lane`, where it comes in again and goes the same way.
//! 4. `responder` has `replies` tell whoever waits, and finishes the record; from there
//!    [`abacus_kafka::stream`] publishes its completion with its offset.
//!
//! **Invariant:** every record that comes in is finished once, whatever it holds, unless its partition
//! moves on or the intake's breaker is pulled: then it is read again.

mod app;
mod cache;
mod calculator;
mod config;
mod dead_letter;
mod deferred;
mod intake;
mod job;
mod lane;
mod metrics;
mod replies;
mod responder;
mod single_flight;
mod workers;

pub use app::start;
pub use config::ProcessorConfig;
