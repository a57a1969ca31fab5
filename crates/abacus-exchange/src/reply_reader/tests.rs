use std::collections::BTreeMap;

use abacus_schemas::{CacheLevel, ComputeCompleted, Encoder, Outcome, SchemaId, Timestamp};

use super::*;

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

/// Result of a check: refused, or the operation, which may be unknown.
fn check(reply: &[u8]) -> Result<Option<String>, ()> {
    reader().check(ID, reply, |operation| operation.map(str::to_owned)).ok_or(())
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
