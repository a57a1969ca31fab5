//! The one way from a request to an answer: validation, limits, then the computation.

use std::collections::BTreeMap;

use crate::wording::quote;
use crate::{
    Answer, Computation, Cost, Interrupted, Limits, Operands, Refusal, Size, Work, all, find,
};

/// Checks a request and estimates its size, in time linear in its length.
///
/// Every result of at most [`Limits::max_digits`] digits is accepted. Larger ones are refused; the
/// one exception is a result that exceeds the limit by a single digit and so narrowly that 14
/// digits of its logarithm (for `pow`, 1,200 digits of its value) do not show it.
pub fn prepare(
    operation: &str,
    operands: &BTreeMap<String, String>,
    limits: &Limits,
) -> Result<Prepared, Refusal> {
    let Some(operation) = find(operation) else {
        let known = all().iter().map(|operation| operation.name()).collect();
        return Err(Refusal::UnknownOperation { operation: quote(operation), known });
    };
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

/// A valid request whose result fits the limits.
pub struct Prepared {
    operation: &'static str,
    canonical: String,
    size: Size,
    cost: Cost,
    computation: Box<dyn Computation>,
}

impl Prepared {
    /// The operation's name.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// What is computed, in normal form, such as `pow(2,10)`: a cache key. As long as the operands.
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// Decimal digits of the result, sign not counted: exact, or (very rarely) one too many.
    pub fn estimated_digits(&self) -> u64 {
        self.size.most_digits()
    }

    /// Bits of the result, to within rounding.
    pub fn estimated_bits(&self) -> f64 {
        self.size.bits()
    }

    /// The work of [`answer`](Self::answer).
    pub fn cost(&self) -> Cost {
        self.cost
    }

    /// The result as callers get it. `is_interrupted` is asked again and again while the work goes
    /// on; soon after it has said yes, the work ends without a result.
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
