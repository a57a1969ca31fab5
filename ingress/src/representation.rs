//! Representation of a computation for callers: members, notation, length, entity tag, and HTTP
//! response.
//!
//! **Invariant:** all instances give the same bytes for one computation in one form. A strong
//! `ETag` therefore identifies the bytes.

mod computation;
mod error;
mod format;
mod radix;
mod response;
mod tag;
mod view;

pub(crate) use computation::{Computation, LOCATION};
pub(crate) use error::Error;
pub(crate) use format::{Format, preferred_format};
pub(crate) use response::{CACHE_STATUS, Rendering, SERVER_TIMING, not_modified};
pub(crate) use tag::Tag;
pub(crate) use view::{Radix, View};
