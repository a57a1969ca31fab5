//! A computation of a given duration, for tests only.

use std::time::{Duration, Instant};

use crate::{
    Computation, Cost, Domain, Integer, Interrupted, Number, OperandSpec, Operands, Operation,
    Refusal, Size, Work,
};

/// `stall(n)`.
pub(crate) struct Stall;

impl Operation for Stall {
    fn name(&self) -> &'static str {
        "stall"
    }

    fn summary(&self) -> &'static str {
        "`n`, after keeping a core busy for `n` milliseconds; for tests only"
    }

    fn operands(&self) -> &'static [OperandSpec] {
        const N: OperandSpec = OperandSpec {
            name: "n",
            meaning: "milliseconds to take",
            domain: Domain::NonNegative,
            example: "5",
        };
        &[N]
    }

    fn is_documented(&self) -> bool {
        false
    }

    fn prepare(&self, operands: &Operands) -> Result<Box<dyn Computation>, Refusal> {
        Ok(Box::new(Milliseconds(operands.get("n")?.clone())))
    }
}

struct Milliseconds(Integer);

impl Computation for Milliseconds {
    fn size(&self) -> Size {
        let digits = self.0.digits().len() as u64;
        Size::from_log10(self.0.log10()).within(digits, digits)
    }

    fn cost(&self) -> Cost {
        Cost::from_word_operations(self.0.saturating_u64().saturating_mul(1_000_000))
    }

    /// Checks for an interruption once a millisecond, like a real computation between its products.
    fn compute(&self, work: &Work<'_>) -> Result<Number, Interrupted> {
        let began = Instant::now();
        let time = Duration::from_millis(self.0.saturating_u64());
        let mut next_check = Duration::ZERO;
        while began.elapsed() < time {
            if began.elapsed() >= next_check {
                work.check()?;
                next_check += Duration::from_millis(1);
            }
            std::hint::spin_loop();
        }
        Ok(self.0.to_bigint().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stall(n: &str) -> Milliseconds {
        Milliseconds(Integer::parse(n).unwrap())
    }

    #[test]
    fn it_takes_its_time_and_says_so() {
        let began = Instant::now();
        let number = stall("20").compute(&Work::new(&|| false)).unwrap();
        assert!(began.elapsed() >= Duration::from_millis(20));
        assert_eq!(number.into_answer().decimal, "20");
        assert_eq!(stall("20").cost().word_operations(), 20_000_000);
    }

    #[test]
    fn it_ends_when_it_is_told_to() {
        let began = Instant::now();
        let is_interrupted = || began.elapsed() > Duration::from_millis(5);
        assert_eq!(stall("60000").compute(&Work::new(&is_interrupted)), Err(Interrupted));
        assert!(began.elapsed() < Duration::from_secs(10));
    }
}
