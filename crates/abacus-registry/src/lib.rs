//! The schema registry, in the dialect of Confluent's API.
//!
//! Services never register a schema: at start they look theirs up ([`SchemaRegistry::encoder`],
//! [`SchemaRegistry::decoder`]) and then run on without the registry, until a record names a
//! schema id that nobody has seen ([`SchemaRegistry::resolve`]). Registering is a step of the
//! deployment ([`SchemaRegistry::register`]).

mod answers;
mod config;
mod error;
mod registry;

pub use config::{RegistryConfig, topics};
pub use error::Error;
pub use registry::SchemaRegistry;
