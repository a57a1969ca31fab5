#![doc = include_str!("../README.md")]

mod answers;
mod config;
mod error;
mod registry;

pub use config::{RECORD_KEY, RegistryConfig, record_keys, topics};
pub use error::Error;
pub use registry::SchemaRegistry;
