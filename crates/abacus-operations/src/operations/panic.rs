//! A computation that panics, for tests only.

use crate::{
    Computation, Cost, Domain, Integer, Interrupted, Number, OperandSpec, Operands, Operation,
    Refusal, Size, Work,
};

/// `panic(n)`.
pub(crate) struct Panic;

impl Operation for Panic {
    fn name(&self) -> &'static str {
        "panic"
    }

    fn summary(&self) -> &'static str {
        "panics, at an estimated cost of `n` word operations; for tests only"
    }

    fn operands(&self) -> &'static [OperandSpec] {
        const N: OperandSpec = OperandSpec {
            name: "n",
            meaning: "word operations to claim",
            domain: Domain::NonNegative,
            example: "1",
        };
        &[N]
    }

    fn is_documented(&self) -> bool {
        false
    }

    fn prepare(&self, operands: &Operands) -> Result<Box<dyn Computation>, Refusal> {
        Ok(Box::new(Panicking(operands.get("n")?.clone())))
    }
}

struct Panicking(Integer);

impl Computation for Panicking {
    fn size(&self) -> Size {
        Size::UNIT
    }

    fn cost(&self) -> Cost {
        Cost::from_word_operations(self.0.saturating_u64())
    }

    #[expect(clippy::panic, reason = "the purpose of this operation")]
    fn compute(&self, _: &Work<'_>) -> Result<Number, Interrupted> {
        panic!("panic({}) was asked for", self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "panic(7) was asked for")]
    fn it_panics() {
        let computation = Panicking(Integer::parse("7").unwrap());
        assert_eq!(computation.cost().word_operations(), 7);
        let _ = computation.compute(&Work::new(&|| false));
    }
}
