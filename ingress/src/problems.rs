//! Problem documents (RFC 9457): status, code, log level and page of every error.
//!
//! [`types`] has a row for each problem type. [`Error::new`] makes an error of a row where the
//! failure is found; such an error has no members. [`table`] maps the errors of the modules below,
//! and errors with members, to rows.
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
