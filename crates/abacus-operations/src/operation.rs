//! The interface of operations: the declaration ([`Operation`]) and one prepared request
//! ([`Computation`]). Implementations are in `operations/`, one file each.

use std::collections::BTreeMap;

use crate::{Cost, Interrupted, Number, OperandSpec, Operands, Refusal, Size, Work};

/// A kind of computation, with a name for callers.
pub trait Operation: Sync {
    /// The name for callers: lower case, never changed after a release.
    fn name(&self) -> &'static str;

    /// A line of Markdown to help people choose an operation.
    fn summary(&self) -> &'static str;

    /// The operands, all required, in the order in which a person says them.
    fn operands(&self) -> &'static [OperandSpec];

    /// Turns valid operands into a computation, in time linear in their length. Does no arithmetic
    /// on big integers. An operation whose operands restrict each other refuses bad combinations
    /// here.
    fn prepare(&self, operands: &Operands) -> Result<Box<dyn Computation>, Refusal>;

    /// Returns whether the service describes the operation to callers. Operations for tests return
    /// `false`.
    fn is_documented(&self) -> bool {
        true
    }

    /// A small valid request, made of the operands' examples.
    fn example(&self) -> BTreeMap<String, String> {
        let example = |spec: &OperandSpec| (spec.name.to_owned(), spec.example.to_owned());
        self.operands().iter().map(example).collect()
    }
}

/// One request with valid operands, not computed yet.
///
/// [`compute`](Self::compute) may rely on a size within the limits: the result fits in memory.
pub trait Computation: Send + Sync {
    /// The size of the result. Does not compute the result.
    fn size(&self) -> Size;

    /// The work of computing the result, without writing its digits.
    fn cost(&self) -> Cost;

    /// Computes the result. Calls [`Work::check`] before every product that may take a millisecond.
    fn compute(&self, work: &Work<'_>) -> Result<Number, Interrupted>;
}
