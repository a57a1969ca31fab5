//! Sample requests for the measurements, with their results.

use abacus_schemas::{ComputeRequested, Timestamp};
use uuid::Uuid;

/// An anonymous request of this operation.
pub(crate) fn request(operation: &str, operands: &[(&str, u64)]) -> ComputeRequested {
    let operand = |&(name, value): &(&str, u64)| (name.to_owned(), value.to_string());
    ComputeRequested {
        request_id: Uuid::now_v7().to_string(),
        operation: operation.to_owned(),
        operands: operands.iter().map(operand).collect(),
        requester: None,
        source: "bench".to_owned(),
        requested_at: Timestamp::now(),
    }
}

/// A request for the cube of a base that depends on `number`, and its result. A new `number` gives
/// a new computation.
pub(crate) fn cube(number: u64) -> (ComputeRequested, u128) {
    let base = FIRST_BASE + number;
    let request = request("pow", &[("base", base), ("exponent", EXPONENT.into())]);
    (request, u128::from(base).pow(EXPONENT))
}

const EXPONENT: u32 = 3;
const FIRST_BASE: u64 = 1_000_000;
