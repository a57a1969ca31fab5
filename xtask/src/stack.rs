//! A stack: Kafka, the registry, Postgres and Redis on this machine, optionally with the services.
//!
//! Each stack has a folder under `.abacus` with its ports and options (`state.json`), process
//! records, logs and data. So several stacks run side by side, and deleting the folder deletes the
//! stack.

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
