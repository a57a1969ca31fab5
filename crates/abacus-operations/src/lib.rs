#![doc = include_str!("../README.md")]
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
