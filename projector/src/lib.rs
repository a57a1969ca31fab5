#![doc = include_str!("../README.md")]

mod app;
mod append_time;
mod authorship;
mod backoff;
mod batch;
mod config;
mod database;
mod decoding;
mod entry;
mod error;
mod metrics;
mod parts;
mod projection;
mod reports;
mod row;
mod rules;
mod size;
mod start_offsets;
mod storable;
mod stored_offsets;
mod writer;

pub use app::start;
pub use config::ProjectorConfig;
