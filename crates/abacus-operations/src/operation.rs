//! What an operation declares ([`Operation`]) and what one prepared request of it can do
//! ([`Computation`]). Implementations live in `operations/`, one file each.

use std::collections::BTreeMap;

use crate::{Cost, Interrupted, Number, OperandSpec, Operands, Refusal, Size, Work};

/// A kind of computation that callers can ask for by name.
pub trait Operation: Sync {
    /// The name callers use: lower case, and never changed once released.
    fn name(&self) -> &'static str;

    /// One line of Markdown for people who choose an operation.
    fn summary(&self) -> &'static str;

    /// Every operand, all of them required, in the order in which a person would say them.
    fn operands(&self) -> &'static [OperandSpec];

    /// Turns operands that satisfy [`operands`](Self::operands) into a computation, in time linear
    /// in their length: no arithmetic on big integers here. An operation whose operands restrict
    /// each other refuses bad combinations here.
    fn prepare(&self, operands: &Operands) -> Result<Box<dyn Computation>, Refusal>;

    /// Whether the service's description tells callers of it; what is there for tests only is left out.
    fn is_documented(&self) -> bool {
        true
    }

    /// A small valid request, made of the operands' examples.
    fn example(&self) -> BTreeMap<String, String> {
        let example = |spec: &OperandSpec| (spec.name.to_owned(), spec.example.to_owned());
        self.operands().iter().map(example).collect()
    }
}

/// One request whose operands are valid, not computed yet.
///
/// [`compute`](Self::compute) may assume that the size has been found to fit a limit: the caller
/// asks for no result that does not fit in memory.
pub trait Computation: Send + Sync {
    /// The size of the result, without computing it.
    fn size(&self) -> Size;

    /// The work of computing the result, without writing its digits.
    fn cost(&self) -> Cost;

    /// Does the work, with a [`Work::check`] before every product that may take a millisecond.
    fn compute(&self, work: &Work<'_>) -> Result<Number, Interrupted>;
}
