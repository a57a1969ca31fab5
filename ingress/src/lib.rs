#![doc = include_str!("../README.md")]

mod api;
mod app;
mod config;
mod log;
mod metrics;
mod problems;
mod quotas;
mod representation;
mod requests;

pub use app::start;
pub use config::IngressConfig;
