#![doc = include_str!("../README.md")]

mod answers;
mod config;
mod error;
mod http;
mod registry;
mod schema_text;

pub use config::{RECORD_KEY, RegistryConfig, record_keys, topics};
pub use error::Error;
pub use registry::SchemaRegistry;
