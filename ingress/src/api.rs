//! The HTTP API: routes, extractors, handlers, and their description.
//!
//! A handler reads a request, calls [`crate::requests`], [`crate::log`] or `abacus-identity`, and
//! renders the answer. Every error becomes a [`crate::problems::Failure`]. The routes of operations
//! come from the registry in `abacus-operations`: a new operation needs no change here.

mod accounts;
mod batch;
mod body;
mod call;
mod caller;
mod catalog;
mod compute;
mod descriptions;
mod docs;
mod edge;
mod events;
mod guard;
mod history;
mod lookup;
mod page;
mod path;
mod result_parameters;
mod router;
mod state;

pub(crate) use catalog::write as write_catalog;
pub(crate) use edge::Edge;
pub(crate) use router::router;
pub(crate) use state::{AppState, Shared};
