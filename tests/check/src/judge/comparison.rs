//! Comparisons of an event with a request, a question or the oracle.

use std::collections::HashMap;

use abacus_schemas::{ComputeCompleted, ComputeRequested, Outcome};

use crate::evidence::Requested;
use crate::oracle::Expected;
use crate::question::Question;

/// Requests by id.
pub(super) type ById<'a> = HashMap<&'a str, &'a Requested>;

/// Outcome of a comparison with the oracle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Result,
    Failure,
    Different,
}

pub(super) fn compare(outcome: &Outcome, expected: &Expected) -> Comparison {
    match (outcome, expected) {
        (Outcome::Succeeded { result, digits, bits }, Expected::Result { decimal, bits: due }) => {
            let is_equal = result == decimal
                && u64::try_from(*bits) == Ok(*due)
                && usize::try_from(*digits) == Ok(decimal.trim_start_matches('-').len());
            if is_equal { Comparison::Result } else { Comparison::Different }
        }
        (Outcome::Failed { code, .. }, Expected::Failure(due)) if code == due => {
            Comparison::Failure
        }
        _ => Comparison::Different,
    }
}

pub(super) fn is_expired(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Failed { code, .. } if code == "expired")
}

pub(super) fn question_of(request: &ComputeRequested) -> Question {
    Question { operation: request.operation.clone(), operands: request.operands.clone() }
}

pub(super) fn is_echo(completion: &ComputeCompleted, question: &Question) -> bool {
    completion.operation == question.operation && completion.operands == question.operands
}

/// Describes a completion in short. A result may have a million digits.
pub(super) fn in_short(completion: &ComputeCompleted) -> String {
    let ComputeCompleted { request_id, operation, operands, processor, .. } = completion;
    let outcome = match &completion.outcome {
        Outcome::Succeeded { result, digits, .. } => {
            format!("{} ({digits} digits)", result.chars().take(40).collect::<String>())
        }
        Outcome::Failed { code, message } => format!("{code}: {message}"),
    };
    format!("{request_id} {operation}{operands:?} by {processor}: {outcome}")
}
