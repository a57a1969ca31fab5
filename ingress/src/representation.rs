//! A computation as callers see it: members, notation, length, entity tag, and the HTTP response.
//!
//! **Invariant:** every instance gives the same bytes for the same question about one computation, so that a
//! strong `ETag` identifies them.

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
pub(crate) use response::{Rendering, not_modified};
pub(crate) use tag::Tag;
pub(crate) use view::{Radix, View};
