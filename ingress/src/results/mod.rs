//! How results are given: their notation, how much of them, as JSON or as the bare digits, whole or
//! in ranges, compressed, and for how long they may be kept.
//!
//! **Invariant:** of one computation the same question gets the same bytes from every instance, so
//! that a strong `ETag` may stand for them.

mod coding;
mod conditions;
mod described;
mod hex;
mod parameters;
mod range;
mod respond;
mod tag;
mod view;

pub(crate) use coding::encode;
pub(crate) use conditions::Conditions;
pub(crate) use described::{
    Computed, ConditionHeaders, Conditional, KeyHeader, PreferHeader, ResultQuery,
};
pub(crate) use parameters::Parameters;
pub(crate) use respond::{Rendering, not_modified};
pub(crate) use tag::Tag;
pub(crate) use view::{Radix, View};
