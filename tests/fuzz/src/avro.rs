//! Random Avro types, their JSON text, and random data. Written from the Avro specification; shares no
//! code with the services.

mod data;
mod random_type;
mod types;

pub(crate) use data::{DataLimits, put_long, put_text, random_bytes, write};
pub(crate) use random_type::random_type;
pub(crate) use types::Type;
