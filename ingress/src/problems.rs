//! Problem documents (RFC 9457): every error, its status, code, log level and page.
//!
//! [`table`] maps each error to a row of [`types`]. A new error needs one arm there, and one row if no present type
//! fits.
//!
//! **Invariant:** a class is made of a row only, and every row is listed, so each error has a page under `/problems/`.

mod error;
mod failure;
mod table;
pub(crate) mod types;

pub(crate) use abacus_http::problem::{On, Problem};
pub(crate) use error::Error;
pub(crate) use failure::Failure;
