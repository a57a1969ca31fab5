//! A stack: Kafka, the registry, Postgres and Redis on this machine, and the services on them where asked for.
//!
//! Everything a stack is lives in its own folder under `.abacus`: ports and choices in `state.json`, process
//! records, logs, data. So stacks run beside each other, and one is gone when its folder is.

mod addresses;
mod credentials;
mod folder;
mod kafka;
mod name;
mod os_user;
mod postgres;
mod redis;
mod registry;
mod servers;
pub(crate) mod services;
mod setup;
mod state;

pub(crate) use self::folder::Stack;
pub(crate) use self::name::{BENCH, DEV, TEST};
pub(crate) use self::setup::Setup;
pub(crate) use self::state::{Mode, Provider};
