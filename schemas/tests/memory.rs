//! Bounds of memory and time for hostile records and schemas. The allocator of this test binary counts
//! the bytes that each thread holds.

#![allow(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "helpers of tests"
)]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use abacus_schemas::{ComputeRequested, DecodeError, Decoder, Event as _, SchemaId};
use serde_json::{Value, json};

const ID: SchemaId = SchemaId(7);
/// Memory that a call may hold at a time, in bytes.
const MAX_HELD: u64 = 4 << 20;
/// Generous: tests of all crates share a machine, without optimisation.
const MAX_TIME: Duration = Duration::from_secs(10);

fn bounded<T>(name: &str, run: impl FnOnce() -> T) -> T {
    let (start, mut result) = (Instant::now(), None);
    let held = allocation_counter::measure(|| result = Some(run())).bytes_max;
    let time = start.elapsed();
    assert!(held > 0, "{name}: nothing was measured");
    assert!(held < MAX_HELD, "{name} held {held} bytes");
    assert!(time < MAX_TIME, "{name} took {time:?}");
    result.unwrap()
}

/// Our schema with a field of the type `extra` in front.
fn with_extra(extra: &Value) -> String {
    let mut schema: Value = serde_json::from_str(ComputeRequested::SCHEMA_JSON).unwrap();
    let field = json!({ "name": "extra", "type": extra });
    schema["fields"].as_array_mut().unwrap().insert(0, field);
    schema.to_string()
}

fn taught(schema: &str) -> Decoder<ComputeRequested> {
    let decoder = Decoder::new().unwrap();
    decoder.learn(ID, schema).unwrap();
    decoder
}

fn zigzag(number: i64) -> Vec<u8> {
    let mut bits = (number.cast_unsigned() << 1) ^ (number >> 63).cast_unsigned();
    let mut bytes = Vec::new();
    while bits > 0x7f {
        bytes.push((bits & 0x7f) as u8 | 0x80);
        bits >>= 7;
    }
    bytes.push(bits as u8);
    bytes
}

#[track_caller]
fn refused_as_too_large(name: &str, schema: &str, body: &[u8]) {
    let (decoder, value) = (taught(schema), [&[0, 0, 0, 0, 7], body].concat());
    let result = bounded(name, || decoder.decode(&value));
    assert!(matches!(result, Err(DecodeError::TooLarge(_))), "{name}: {result:?}");
}

#[test]
fn records_that_unpack_to_far_more_are_refused_in_little_memory() {
    let nulls = json!({ "type": "array", "items": "null" });
    let many = zigzag(1 << 40);
    refused_as_too_large("an array of nulls", &with_extra(&nulls), &many);
    let block = [zigzag(-(1 << 40)), vec![0]].concat();
    refused_as_too_large("a block of nulls with a length", &with_extra(&nulls), &block);

    let rows = json!({ "type": "array", "items": nulls });
    let row = [zigzag(100_000), vec![0]].concat();
    let body = [zigzag(100), row.repeat(100)].concat();
    refused_as_too_large("arrays of nulls in an array", &with_extra(&rows), &body);

    let empty = json!({ "type": "record", "name": "Empty", "fields": [] });
    let empties = json!({ "type": "array", "items": empty });
    refused_as_too_large("an array of empty records", &with_extra(&empties), &many);

    let own = zigzag(2_000_000);
    let entries: String = (0..2_000_000).fold(String::new(), |mut text, number| {
        let _ = write!(text, "\u{8}{:04x}\0", number % 0x1_0000);
        text
    });
    let body = [&[0, 0], own.as_slice(), entries.as_bytes()].concat();
    let own = ComputeRequested::SCHEMA_JSON;
    refused_as_too_large("millions of operands", own, &body);

    let body = vec![0; 20 << 20];
    refused_as_too_large("20 MiB", own, &body);
}

#[test]
fn recursive_types_are_refused_in_little_stack() {
    let endless =
        json!({ "type": "record", "name": "R", "fields": [{ "name": "r", "type": "R" }] });
    refused_as_too_large("a record in itself", &with_extra(&endless), &[]);
    let list = json!({ "type": "array", "items": "R" });
    let tree = json!({ "type": "record", "name": "R", "fields": [{ "name": "r", "type": list }] });
    refused_as_too_large("a deep tree", &with_extra(&tree), &[2].repeat(1_000_000));

    let mut doubled = json!({ "type": "record", "name": "R0", "fields": [] });
    for level in 1..40 {
        let (name, below) = (format!("R{level}"), format!("R{}", level - 1));
        let fields = json!([{ "name": "a", "type": doubled }, { "name": "b", "type": below }]);
        doubled = json!({ "type": "record", "name": name, "fields": fields });
    }
    refused_as_too_large("2^40 empty records", &with_extra(&doubled), &[]);
}

#[test]
fn hostile_schemas_are_refused_or_learned_in_little_memory() {
    let decoder = Decoder::<ComputeRequested>::new().unwrap();
    let learn = |name: &str, text: &str| {
        bounded(name, || decoder.learn(ID, text)).map_err(|error| error.to_string())
    };
    let deep = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(learn("deep unions", &deep(60_000)).unwrap_err().contains("recursion limit"));
    let text = format!("\"{}\"", "x".repeat(1 << 20));
    assert!(learn("a long text", &text).unwrap_err().contains("exceed"));

    // Each branch of a union is resolved, so repeated branches would multiply.
    let fields: Vec<Value> =
        (0..2_000).map(|n| json!({ "name": format!("f{n}"), "type": "int" })).collect();
    let large = json!({ "type": "record", "name": "Succeeded", "fields": fields });
    let mut branches = vec![large];
    branches.extend((0..3_000).map(|_| json!("Succeeded")));
    let repeated = with_extra(&json!(branches));
    assert!(learn("a union of one record", &repeated).unwrap_err().contains("twice"));

    let nested = (0..40).fold(json!("int"), |inner, level| {
        let fields = json!([{ "name": "f", "type": inner, "default": null }]);
        json!({ "type": "record", "name": format!("N{level}"), "fields": fields })
    });
    learn("nested records", &with_extra(&nested)).unwrap();
}
