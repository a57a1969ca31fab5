//! Decoding of Avro binary by schema resolution, with bounds.
//!
//! A writer schema comes from the registry, and a record from any producer, so both are untrusted.
//! [`parse`] and [`resolve`] turn a writer schema into a [`plan::Plan`] once. [`deserialize`] then
//! reads a record in one pass: fields of the event are read, all others are skipped without an
//! allocation.
//!
//! **Invariant:** memory and time for a schema grow linearly with its text, and memory and time for
//! a record with its length plus the limit of values. `apache-avro` keeps neither: an array of nulls
//! takes no bytes in a record, and any amount of memory as a list of values.

mod deserialize;
mod input;
mod parse;
mod plan;
mod read_error;
mod resolve;
mod skip;
mod types;

pub(crate) use deserialize::from_bytes;
pub(crate) use input::ValueLimits;
pub(crate) use parse::{Role, parse};
pub(crate) use plan::Plan;
pub(crate) use read_error::ReadError;
pub(crate) use resolve::resolve;
pub(crate) use types::Types;
