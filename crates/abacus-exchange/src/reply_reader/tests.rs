use std::collections::BTreeMap;
use std::sync::Arc;

use abacus_schemas::{CacheLevel, ComputeCompleted, Encoder, Outcome, SchemaId, Timestamp};

use super::*;
use crate::metrics::Metrics;
use crate::outcome::ReplyKind;
use crate::waiters::Waiters;

const SCHEMA: SchemaId = SchemaId(7);
const ID: Uuid = Uuid::from_u128(0x019a_a5d2_7c1e_7d40_9f0b_3b1a_2c4d_5e6f);

fn reader() -> ReplyReader<ComputeCompleted> {
    let decoder = Decoder::new().unwrap();
    decoder.learn(SCHEMA, ComputeCompleted::SCHEMA_JSON).unwrap();
    let subject: SubjectOf<ComputeCompleted> = |reply| {
        let ComputeCompleted { request_id, operation, .. } = reply;
        Some(ReplySubject { request_id, operation })
    };
    ReplyReader { decoder, subject }
}

fn reply_in(schema: SchemaId, request_id: &str, operation: &str) -> Vec<u8> {
    let event = ComputeCompleted {
        request_id: request_id.to_owned(),
        operation: operation.to_owned(),
        operands: BTreeMap::from([("n".to_owned(), "7".to_owned())]),
        requester: None,
        source: "http".to_owned(),
        requested_at: Timestamp::now(),
        outcome: Outcome::Failed { code: "no".to_owned(), message: "no".to_owned() },
        completed_at: Timestamp::now(),
        compute_micros: 0,
        cache: CacheLevel::None,
        processor: "processor-1".to_owned(),
    };
    Encoder::new(schema).unwrap().encode(&event).unwrap()
}

fn reply(request_id: &str, operation: &str) -> Vec<u8> {
    reply_in(SCHEMA, request_id, operation)
}

/// Result of a check: refused, or the operation, which may be unknown. The operation read without
/// decoding has to be equal.
fn check(reply: &[u8]) -> Result<Option<String>, ()> {
    let checked = match reader().subject(ID, reply) {
        Subject::Operation(operation) => Ok(Some(operation)),
        Subject::Unknown => Ok(None),
        Subject::Other => Err(()),
    };
    if let Some(operation) = leading_operation(ID, reply) {
        assert_eq!(checked, Ok(Some(operation.to_owned())));
    }
    checked
}

#[test]
fn a_reply_about_the_request_gives_its_operation() {
    for operation in
        ["pow", "", "an operation whose name is longer than the sixty-three bytes of a length"]
    {
        let expected = Ok(Some(operation.to_owned()));
        assert_eq!(check(&reply(&ID.to_string(), operation)), expected);
        assert_eq!(check(&reply(&ID.simple().to_string(), operation)), expected);
    }
}

#[test]
fn the_operation_is_read_without_decoding() {
    assert_eq!(leading_operation(ID, &reply(&ID.to_string(), "pow")), Some("pow"));
    assert_eq!(leading_operation(ID, &reply(&ID.simple().to_string(), "pow")), None);
}

#[test]
fn a_reply_about_another_request_or_about_none_is_refused() {
    for request_id in ["", "pow", &Uuid::from_u128(1).to_string()] {
        assert_eq!(check(&reply(request_id, "pow")), Err(()), "{request_id}");
    }
    for garbage in [&b""[..], b"garbage", &[0; 5], &[0, 0, 0, 0, 7, 72]] {
        assert_eq!(check(garbage).ok().flatten(), None, "{garbage:?}");
    }
}

#[test]
fn a_reply_in_an_unknown_schema_is_checked_later() {
    let unknown = reply_in(SchemaId(8), "another", "pow");
    assert_eq!(check(&unknown), Ok(None));
}

#[test]
fn a_reply_in_a_schema_with_another_string_in_second_place_is_decoded() {
    let reader = reader();
    let operation = r#""name": "operation","#;
    let schema = ComputeCompleted::SCHEMA_JSON.replacen(
        operation,
        &format!(r#""name": "note", "type": "string" }}, {{ {operation}"#),
        1,
    );
    reader.decoder.learn(SchemaId(8), &schema).unwrap();
    let mut foreign = reply_in(SchemaId(8), &ID.to_string(), "pow");
    let second = PREFIX_BYTES + 1 + 36;
    foreign.splice(second..second, *b"\x08note");
    assert_eq!(leading_operation(ID, &foreign), Some("note"));
    for (asked, kind) in [("pow", ReplyKind::Answered), ("factorial", ReplyKind::Mismatched)] {
        let size = |(): &()| 0;
        let waiters = Arc::new(Waiters::<(), ()>::new(1, size, Metrics::unregistered().waiters));
        let _waiter = waiters.register(ID, Some(asked)).unwrap();
        assert_eq!(waiters.answer_checked(ID.as_bytes(), &foreign, &reader), kind);
    }
}
