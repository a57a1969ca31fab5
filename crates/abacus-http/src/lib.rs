#![doc = include_str!("../README.md")]

pub mod edge;
pub mod fields;
pub mod metrics;
pub mod problem;
pub mod server;

pub use metrics::Metrics;
