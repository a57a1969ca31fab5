//! What a computation is given to work with: the question whether its result is still wanted.

use thiserror::Error;

/// A computation under way. Asking costs next to nothing; a computation asks between its big
/// products, so that it ends within about ten milliseconds of being told to.
pub struct Work<'a> {
    is_interrupted: &'a dyn Fn() -> bool,
}

impl<'a> Work<'a> {
    /// Work that goes on until `is_interrupted` says so, which is called from the computing thread,
    /// any number of times.
    pub fn new(is_interrupted: &'a dyn Fn() -> bool) -> Self {
        Self { is_interrupted }
    }

    /// Ends a computation whose result nobody wants any more: `work.check()?`.
    pub fn check(&self) -> Result<(), Interrupted> {
        if (self.is_interrupted)() { Err(Interrupted) } else { Ok(()) }
    }
}

/// The computation was told to end before it had a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the computation was interrupted")]
pub struct Interrupted;
