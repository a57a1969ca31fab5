//! The computed cases, and the time of this crate for each.

use std::error::Error;
use std::hint::black_box;

use abacus_operations::{Answer, Limits, Prepared, Refusal, prepare};

use crate::clock::thread_nanoseconds;

const BASE: &str = "3";

/// A result of a given number of digits.
pub(crate) struct Case {
    operation: &'static str,
    operands: Vec<(&'static str, String)>,
    prepared: Prepared,
}

impl Case {
    /// Finds the first result of the operation with at least this many digits. For `pow`, this is
    /// the first power of 3.
    pub(crate) fn with_digits(operation: &'static str, digits: u64) -> Result<Self, Refusal> {
        let (mut below, mut above) = (0, 8 * digits + 100);
        while above - below > 1 {
            let middle = below.midpoint(above);
            if Self::of(operation, middle)?.prepared.estimated_digits() < digits {
                below = middle;
            } else {
                above = middle;
            }
        }
        Self::of(operation, above)
    }

    fn of(operation: &'static str, number: u64) -> Result<Self, Refusal> {
        let operands = match operation {
            "pow" => vec![("base", BASE.to_owned()), ("exponent", number.to_string())],
            _ => vec![("n", number.to_string())],
        };
        let named = operands.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        let limits = Limits { max_digits: u64::MAX, ..Limits::default() };
        let prepared = prepare(operation, &named.collect(), &limits)?;
        Ok(Self { operation, operands, prepared })
    }

    pub(crate) fn name(&self) -> String {
        format!("{}({})", self.operation, self.values().join(", "))
    }

    pub(crate) fn operation(&self) -> &'static str {
        self.operation
    }

    pub(crate) fn values(&self) -> Vec<&str> {
        self.operands.iter().map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn digits(&self) -> u64 {
        self.prepared.estimated_digits()
    }

    /// Estimated word operations.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    pub(crate) fn cost(&self) -> f64 {
        self.prepared.cost().word_operations() as f64
    }

    /// Measures the least CPU time of one answer, in nanoseconds. Batches are long enough for the
    /// clock.
    pub(crate) fn least_time(&self, milliseconds: u64) -> Result<f64, Box<dyn Error>> {
        let (mut repetitions, mut spent, mut batches, mut least) = (1_u32, 0, 0, f64::MAX);
        while spent < milliseconds * 1_000_000 || batches < 3 {
            let began = thread_nanoseconds();
            for _ in 0..repetitions {
                black_box(self.answer()?);
            }
            let took = thread_nanoseconds() - began;
            spent += took;
            if took < 200_000 {
                repetitions *= 2;
                continue;
            }
            batches += 1;
            least =
                least.min(u32::try_from(took).map_or(f64::MAX, f64::from) / f64::from(repetitions));
        }
        Ok(least)
    }

    /// Computes Adler-32 of the answer's text (RFC 1950, section 8.2).
    pub(crate) fn checksum(&self) -> Result<u32, Box<dyn Error>> {
        let (low, high) = self.answer()?.decimal.bytes().fold((1, 0), |(low, high), byte| {
            let low = (low + u32::from(byte)) % 65_521;
            (low, (high + low) % 65_521)
        });
        Ok(high << 16 | low)
    }

    fn answer(&self) -> Result<Answer, Box<dyn Error>> {
        Ok(self.prepared.answer(&|| false)?)
    }
}
