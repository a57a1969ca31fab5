//! The operations: their operands, validation, size and cost estimates, and computation.
//!
//! Pure: no I/O, no clock, no metrics. [`prepare`] is the one validation that every part of the
//! system uses. It refuses with a [`Refusal`] that tells the caller what to change, and otherwise
//! gives a [`Prepared`] computation that is known to fit the [`Limits`]. Neither step computes a
//! result (next to a power of ten, `pow` multiplies numbers of some hundred digits, which takes less
//! than a millisecond); [`Prepared::answer`] does.
//!
//! ```
//! use abacus_operations::{Limits, prepare};
//! use std::collections::BTreeMap;
//!
//! let operands = BTreeMap::from([("base", "-002"), ("exponent", "11")])
//!     .into_iter()
//!     .map(|(name, value)| (name.to_owned(), value.to_owned()))
//!     .collect();
//! let prepared = prepare("pow", &operands, &Limits::default())?;
//! assert_eq!(prepared.canonical(), "pow(-2,11)");
//!
//! let answer = prepared.answer(&|| false)?;
//! assert_eq!((answer.decimal.as_str(), answer.digits, answer.bits), ("-2048", 4, 12));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Adding an operation
//!
//! An operation is one file, `src/operations/<name>.rs`, and one line in the registry,
//! `src/operations.rs`. Everything else (validation, limits, cache key, HTTP documentation, the
//! processor) works from what the file declares. The whole of a `square` operation (with `crate` for
//! `abacus_operations`, as it lives inside):
//!
//! ```
//! use abacus_operations::{
//!     Computation, Cost, Domain, Integer, Interrupted, Number, OperandSpec, Operands, Operation,
//!     Refusal, Size, Work,
//! };
//!
//! pub(crate) struct Square;
//!
//! impl Operation for Square {
//!     fn name(&self) -> &'static str {
//!         "square"
//!     }
//!     fn summary(&self) -> &'static str {
//!         "`n` times `n`"
//!     }
//!     fn operands(&self) -> &'static [OperandSpec] {
//!         &[OperandSpec {
//!             name: "n",
//!             meaning: "the number to square",
//!             domain: Domain::Any,
//!             example: "-12",
//!         }]
//!     }
//!     fn prepare(&self, operands: &Operands) -> Result<Box<dyn Computation>, Refusal> {
//!         Ok(Box::new(Computed { n: operands.get("n")?.clone() }))
//!     }
//! }
//!
//! struct Computed {
//!     n: Integer,
//! }
//!
//! impl Computation for Computed {
//!     fn size(&self) -> Size {
//!         Size::from_log10(2.0 * self.n.log10())
//!     }
//!     fn cost(&self) -> Cost {
//!         Cost::of_binary_product(self.size().bits())
//!     }
//!     fn compute(&self, _: &Work<'_>) -> Result<Number, Interrupted> {
//!         let n = self.n.to_bigint();
//!         Ok((&n * &n).into())
//!     }
//! }
//! ```
//!
//! and the line `square::Square,` in the registry. An operation on large numbers is faster with
//! [`Natural`](abacus_arithmetic::Natural)s, whose digits need no conversion: here
//! `Ok(self.n.to_natural().squared().into())` at [`Cost::of_product`]. One that makes several big products asks
//! [`Work::check`] before each, so that it can be interrupted. A test in `src/operations.rs` holds every
//! registered operation to the common rules, and `tests/oracle.py` is where its expected values
//! come from.

#![allow(clippy::cast_precision_loss, reason = "estimates are doubles, with stated errors")]

mod answer;
mod cost;
mod integer;
mod limits;
mod number;
mod operand_spec;
mod operands;
mod operation;
mod operations;
mod prepare;
mod refusal;
mod size;
mod wording;
mod work;

pub use abacus_arithmetic::recomputed_products;
pub use answer::Answer;
pub use cost::Cost;
pub use integer::Integer;
pub use limits::Limits;
pub use number::Number;
pub use operand_spec::{Domain, OperandSpec};
pub use operands::Operands;
pub use operation::{Computation, Operation};
pub use operations::{all, documented, find};
pub use prepare::{Prepared, prepare};
pub use refusal::Refusal;
pub use size::Size;
pub use work::{Interrupted, Work};
