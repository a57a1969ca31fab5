//! Tests with golden records, older and newer versions, and malformed bytes.

mod resolution;
mod samples;
mod writers;

use std::fs;
use std::path::{Path, PathBuf};

use apache_avro::Schema;
use apache_avro::schema_compatibility::SchemaCompatibility;
use apache_avro::types::Value;
use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::{CacheLevel, ComputeCompleted, ComputeRequested, Outcome, Timestamp};

const ID: SchemaId = SchemaId(7);

#[derive(Deserialize)]
struct Golden<E> {
    event: E,
    avro: String,
}

fn files(folder: &str, event: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(event))
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "no {event} files");
    paths
}

/// Returns the second part of the file name: `ComputeRequested.1.named.json` was written with
/// version 1.
fn version(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().split('.').nth(1).unwrap().to_owned()
}

fn released(event: &str, version: &str) -> String {
    let name = format!("released/{event}.{version}.avsc");
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn framed(hex: &str) -> Vec<u8> {
    let body =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap());
    [0, 0, 0, 0, 7].into_iter().chain(body).collect()
}

fn taught<E: Event>(json: &str) -> Decoder<E> {
    let decoder = Decoder::new().unwrap();
    decoder.learn(ID, json).unwrap();
    decoder
}

fn golden_records_are_read_and_written<E>(event: &str)
where
    E: Event + PartialEq + std::fmt::Debug,
{
    let latest = files("released", event).iter().map(|path| version(path)).max().unwrap();
    for path in files("golden", event) {
        let golden: Golden<E> = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let decoder = taught::<E>(&released(event, &version(&path)));
        assert_eq!(decoder.decode(&framed(&golden.avro)).unwrap(), golden.event, "{path:?}");
        if version(&path) == latest {
            let written = Encoder::new(ID).unwrap().encode(&golden.event).unwrap();
            assert_eq!(written, framed(&golden.avro), "{path:?}");
        }
    }
}

#[test]
fn golden_requests_are_read_and_written() {
    golden_records_are_read_and_written::<ComputeRequested>("ComputeRequested");
}

#[test]
fn golden_completions_are_read_and_written() {
    golden_records_are_read_and_written::<ComputeCompleted>("ComputeCompleted");
}

fn every_released_version_reads_and_is_read_by_every_other(event: &str, current: &Schema) {
    let mut schemas: Vec<Schema> = files("released", event)
        .iter()
        .map(|path| Schema::parse_str(&fs::read_to_string(path).unwrap()).unwrap())
        .collect();
    schemas.push(current.clone());
    for writer in &schemas {
        for reader in &schemas {
            SchemaCompatibility::can_read(writer, reader).unwrap();
        }
    }
}

#[test]
fn requests_stay_fully_compatible() {
    let current = ComputeRequested::schema();
    every_released_version_reads_and_is_read_by_every_other("ComputeRequested", current);
}

#[test]
fn completions_stay_fully_compatible() {
    let current = ComputeCompleted::schema();
    every_released_version_reads_and_is_read_by_every_other("ComputeCompleted", current);
}

fn request() -> ComputeRequested {
    ComputeRequested {
        request_id: "01890a5d-ac96-774b-bcce-b302099a8057".to_owned(),
        operation: "fibonacci".to_owned(),
        operands: [("n".to_owned(), "10".to_owned())].into(),
        requester: Some("alice".to_owned()),
        source: "http".to_owned(),
        requested_at: Timestamp::from_micros(1_700_000_000_123_456),
    }
}

/// Returns the current schema after `change` to its list of fields.
fn changed(change: impl FnOnce(&mut Vec<serde_json::Value>)) -> String {
    let mut schema: serde_json::Value =
        serde_json::from_str(ComputeRequested::SCHEMA_JSON).unwrap();
    change(schema["fields"].as_array_mut().unwrap());
    schema.to_string()
}

/// Encodes the request with `extra` fields under another schema.
fn written_as(schema: &str, extra: &[(&str, Value)]) -> Vec<u8> {
    let schema = Schema::parse_str(schema).unwrap();
    let Value::Record(mut fields) = apache_avro::to_value(request()).unwrap() else {
        panic!("a struct is a record")
    };
    fields.extend(extra.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    let value = Value::Record(fields).resolve(&schema).unwrap();
    let body = GenericDatumWriter::builder(&schema).build().unwrap().write_value_to_vec(value);
    [vec![0, 0, 0, 0, 7], body.unwrap()].concat()
}

#[test]
fn a_newer_writers_extra_field_is_dropped() {
    let newer = changed(|fields| {
        fields.insert(0, serde_json::json!({"name": "priority", "type": "int", "default": 0}));
    });
    let bytes = written_as(&newer, &[("priority", Value::Int(3))]);
    assert_eq!(taught::<ComputeRequested>(&newer).decode(&bytes).unwrap(), request());
}

#[test]
fn an_older_writers_missing_fields_take_their_defaults() {
    let older = changed(|fields| {
        fields.retain(|field| field["name"] != "source" && field["name"] != "requester");
    });
    let bytes = written_as(&older, &[]);
    let expected = ComputeRequested { requester: None, source: "unknown".to_owned(), ..request() };
    assert_eq!(taught::<ComputeRequested>(&older).decode(&bytes).unwrap(), expected);
}

#[test]
fn another_record_is_not_learned() {
    let decoder = Decoder::<ComputeRequested>::new().unwrap();
    let error = decoder.learn(ID, ComputeCompleted::SCHEMA_JSON).unwrap_err().to_string();
    assert!(error.contains("another record"), "{error}");
}

#[test]
fn an_unknown_schema_id_is_not_called_malformed() {
    let bytes = Encoder::new(SchemaId(8)).unwrap().encode(&request()).unwrap();
    let decoder = taught::<ComputeRequested>(ComputeRequested::SCHEMA_JSON);
    assert!(matches!(decoder.decode(&bytes), Err(DecodeError::UnknownSchema(SchemaId(8)))));
}

#[test]
fn bytes_that_are_no_event_say_why() {
    let decoder = taught::<ComputeRequested>(ComputeRequested::SCHEMA_JSON);
    let whole = Encoder::new(ID).unwrap().encode(&request()).unwrap();
    let longer = [whole.as_slice(), &[0]].concat();
    // A string with a claimed length of a terabyte.
    let bomb = [0, 0, 0, 0, 7, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40];
    for (bytes, reason) in [
        (&b""[..], "empty"),
        (&b"\0\0"[..], "inside the schema id"),
        (&b"{\"request_id\""[..], "magic byte 123"),
        (&b"\x01abcdef"[..], "GUID"),
        (&longer[..], "1 bytes follow"),
        (&whole[..whole.len() - 1], ""),
        (&bomb[..], ""),
    ] {
        match decoder.decode(bytes) {
            Err(DecodeError::Malformed(text)) => assert!(text.contains(reason), "{text}"),
            other => panic!("{bytes:?} gave {other:?}"),
        }
    }
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        ("-?[0-9]{1,80}", any::<i64>(), any::<i64>())
            .prop_map(|(result, digits, bits)| Outcome::Succeeded { result, digits, bits }),
        (".*", ".*").prop_map(|(code, message)| Outcome::Failed { code, message }),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        operands in prop::collection::btree_map(".{0,10}", ".{0,40}", 0..4),
        requester in prop::option::of(".{0,20}"),
        outcome in outcomes(),
        micros: i64,
        cache in prop::sample::select(vec![
            CacheLevel::None, CacheLevel::Memory, CacheLevel::Redis,
        ]),
    ) {
        let request = request();
        let event = ComputeCompleted {
            request_id: request.request_id,
            operation: request.operation,
            operands,
            requester,
            source: request.source,
            requested_at: Timestamp::from_micros(micros),
            outcome,
            completed_at: Timestamp::from_micros(micros),
            compute_micros: micros,
            cache,
            processor: "p".to_owned(),
        };
        let bytes = Encoder::new(ID).unwrap().encode(&event).unwrap();
        let decoder = taught::<ComputeCompleted>(ComputeCompleted::SCHEMA_JSON);
        prop_assert_eq!(decoder.decode(&bytes).unwrap(), event);
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let framed = [vec![0, 0, 0, 0, 7], bytes].concat();
        let _ = taught::<ComputeCompleted>(ComputeCompleted::SCHEMA_JSON).decode(&framed);
    }
}
