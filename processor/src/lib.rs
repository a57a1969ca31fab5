#![doc = include_str!("../README.md")]

mod app;
mod cache;
mod cache_config;
mod calculator;
mod config;
mod dead_letter;
mod deferred;
mod intake;
mod job;
mod lane;
mod metrics;
mod outcome;
mod refusal;
mod repeats;
mod replies;
mod reply_limits;
mod responder;
mod single_flight;
mod workers;

pub use app::start;
pub use config::ProcessorConfig;
