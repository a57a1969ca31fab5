//! Problem documents (RFC 9457): status, code, log level and page of every error.
//!
//! [`table`] maps each error to a row of [`types`]. A new error needs one arm in [`table`], and a
//! new row if no present type fits.
//!
//! **Invariant:** a class is made only from a listed row, so each error has a page under
//! `/problems/`.

mod error;
mod failure;
mod hints;
mod table;
pub(crate) mod types;

pub(crate) use abacus_http::problem::{On, Problem};
pub(crate) use error::Error;
pub(crate) use failure::Failure;
