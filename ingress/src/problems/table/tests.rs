use abacus_kafka::SendError;
use abacus_operations::{Limits, all, prepare};

use super::*;

#[test]
fn every_refusal_of_the_operations_has_a_row() {
    let limits = Limits { max_digits: 3, max_operand_digits: 5 };
    let texts = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    };
    for (operation, operands, code) in [
        ("gamma", vec![], "unknown-operation"),
        ("pow", vec![("base", "2")], "missing-operand"),
        ("factorial", vec![("n", "2"), ("m", "2")], "unexpected-operand"),
        ("factorial", vec![("n", "two")], "malformed-operand"),
        ("factorial", vec![("n", "-2")], "operand-out-of-range"),
        ("factorial", vec![("n", "200")], "result-too-large"),
    ] {
        let refusal = prepare(operation, &texts(&operands), &limits).unwrap_err();
        let class = Error::from(refusal).class();
        assert_eq!((class.status.as_u16(), class.code), (422, code));
    }
    assert!(!all().is_empty());
}

#[test]
fn failures_of_the_processor_are_the_callers_the_clocks_or_ours() {
    let class = |code: &str| {
        let failed =
            RequestError::ComputationFailed { code: code.to_owned(), message: String::new() };
        Error::from(failed).class().status.as_u16()
    };
    assert_eq!(class("result-too-large"), 422);
    assert_eq!(class("expired"), 504);
    assert_eq!(class("anything else"), 500);
}

#[test]
fn what_cannot_be_sent_now_is_unavailable_and_what_never_can_is_too_large() {
    assert_eq!(sent(SendError::QueueFull).class().status, 503);
    assert_eq!(sent(SendError::TooLarge).class().status, 413);
}

#[test]
fn the_audit_log_gives_the_reasons_by_the_codes_of_the_answers() {
    let refusals = [
        IdentityError::RoleNotAllowed,
        IdentityError::RegistrationClosed,
        IdentityError::WrongCredentials,
        IdentityError::WrongPassword,
        IdentityError::AccountDisabled,
        IdentityError::LastAdmin { name: "ada".to_owned() },
    ];
    for refusal in refusals {
        let reason = refusal.audit_reason();
        assert_eq!(reason, Some(Error::from(refusal).class().code));
    }
}

fn sent(error: SendError) -> Error {
    Error::from(RequestError::from(ExchangeError::from(error)))
}

#[test]
fn an_error_made_of_a_row_has_the_class_of_the_row() {
    let error = Error::new(requests::NO_SUCH_PATH, "no such path");
    assert_eq!(error.class(), requests::NO_SUCH_PATH.silent());
    assert_eq!(error.to_string(), "no such path");
}

#[test]
fn a_limit_has_one_class_inside_and_outside_of_a_computation() {
    let class = |error: Error| error.class().code;
    let code = class(QuotaError::OutOfMemory.into());
    assert_eq!(code, "temporary-reduced-capacity");
    assert_eq!(class(RequestError::from(QuotaError::OutOfMemory).into()), code);
}
