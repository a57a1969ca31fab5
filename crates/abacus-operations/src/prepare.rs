//! From a request to an answer: validation, limits, computation.

use std::collections::BTreeMap;

use crate::wording::quote;
use crate::{
    Answer, Computation, Cost, Interrupted, Limits, Operands, Operation, Refusal, Size, Work, all,
    find,
};

/// Checks a request and estimates its size, in time linear in the length of the request.
///
/// Every result of at most [`Limits::max_digits`] digits is accepted, and larger results are
/// refused. One exception exists: a result with a single digit too many is accepted if 14 digits of
/// its logarithm (for `pow`, 1,200 digits of its value) do not show the excess.
///
/// ```
/// use std::collections::BTreeMap;
///
/// use abacus_operations::{Limits, prepare};
///
/// let operands = BTreeMap::from([("n".to_owned(), "30".to_owned())]);
/// let prepared = prepare("factorial", &operands, &Limits::default())?;
/// assert_eq!(prepared.estimated_digits(), 33);
///
/// let limits = Limits { max_digits: 20, ..Limits::default() };
/// let refusal = prepare("factorial", &operands, &limits).unwrap_err();
/// assert_eq!(refusal.code(), "result-too-large");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn prepare(
    operation: &str,
    operands: &BTreeMap<String, String>,
    limits: &Limits,
) -> Result<Prepared, Refusal> {
    let Some(operation) = find(operation) else {
        let known = all().iter().map(|operation| operation.name()).collect();
        return Err(Refusal::UnknownOperation { operation: quote(operation), known });
    };
    prepare_operation(operation, operands, limits)
}

/// Checks a request of an operation. The operation may be missing in the registry.
fn prepare_operation(
    operation: &dyn Operation,
    operands: &BTreeMap<String, String>,
    limits: &Limits,
) -> Result<Prepared, Refusal> {
    let operands = Operands::read(operation.name(), operation.operands(), operands, limits)?;
    let computation = operation.prepare(&operands)?;
    let size = computation.size();
    if size.fewest_digits() > limits.max_digits {
        return Err(Refusal::ResultTooLarge {
            operation: operation.name(),
            estimated_digits: size.estimated_digits(),
            limit_digits: limits.max_digits,
        });
    }
    let cost = computation.cost().plus(Cost::of_text(size.bits()));
    let (operation, canonical) = (operation.name(), operands.canonical());
    Ok(Prepared { operation, canonical, size, cost, computation })
}

/// A valid request with a result within the limits.
pub struct Prepared {
    operation: &'static str,
    canonical: String,
    size: Size,
    cost: Cost,
    computation: Box<dyn Computation>,
}

impl Prepared {
    /// The name of the operation.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// The computation in normal form, such as `pow(2,10)`. Serves as a cache key and is as long as
    /// the operands.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// Number of decimal digits of the result, without the sign. Exact, or (very rarely) one too
    /// many.
    pub fn estimated_digits(&self) -> u64 {
        self.size.most_digits()
    }

    /// Number of bits of the result, up to rounding.
    pub fn estimated_bits(&self) -> f64 {
        self.size.bits()
    }

    /// The estimated work of [`answer`](Self::answer).
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// Computes the result. Calls `is_interrupted` repeatedly during the work and ends without a
    /// result soon after it returns `true`.
    pub fn answer(&self, is_interrupted: &dyn Fn() -> bool) -> Result<Answer, Interrupted> {
        let work = Work::new(is_interrupted);
        let number = self.computation.compute(&work)?;
        work.check()?;
        Ok(number.into_answer())
    }
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Prepared")
            .field("canonical", &quote(&self.canonical))
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
