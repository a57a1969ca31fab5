//! Interruption of a running computation, once its result is no longer wanted.

use thiserror::Error;

/// A running computation. The check costs almost nothing. A computation checks between its big
/// products, so it ends within about ten milliseconds of an interruption.
pub struct Work<'a> {
    is_interrupted: &'a dyn Fn() -> bool,
}

impl<'a> Work<'a> {
    /// Work until `is_interrupted` returns `true`. The computing thread calls `is_interrupted` any
    /// number of times.
    pub fn new(is_interrupted: &'a dyn Fn() -> bool) -> Self {
        Self { is_interrupted }
    }

    /// Ends a computation whose result is no longer wanted: `work.check()?`.
    pub fn check(&self) -> Result<(), Interrupted> {
        if (self.is_interrupted)() { Err(Interrupted) } else { Ok(()) }
    }
}

/// The computation was interrupted before it had a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the computation was interrupted")]
pub struct Interrupted;
