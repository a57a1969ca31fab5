//! Property tests with writer schemas that the registry could accept. `apache-avro` writes the
//! records, as an independent encoder.

use apache_avro::types::Value;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value as Json, json};

use super::samples::{Sample, any_type, with_unique_names};
use super::{Decoder, ID};
use crate::codec::DecodeError;
use crate::{ComputeRequested, Timestamp};

/// A field of a writer, with its value.
#[derive(Clone, Debug)]
struct WriterField {
    name: &'static str,
    sample: Sample,
}

fn field(name: &'static str, schema: Json, value: Value) -> WriterField {
    WriterField { name, sample: (schema, value) }
}

fn text() -> impl Strategy<Value = (String, Sample)> {
    (".{0,12}", 0..4).prop_map(|(text, form)| {
        let value = Value::String(text.clone());
        let sample = match form {
            0 => (json!("bytes"), Value::Bytes(text.clone().into_bytes())),
            1 => (json!(["string"]), Value::Union(0, Box::new(value))),
            2 => (json!(["null", "string"]), Value::Union(1, Box::new(value))),
            _ => (json!({ "type": "string", "avro.java.string": "String" }), value),
        };
        (text, sample)
    })
}

fn time() -> impl Strategy<Value = (i64, Sample)> {
    let annotated = |name: &str| json!({ "type": "long", "logicalType": name });
    (any::<i32>(), 0..8).prop_map(move |(number, form)| {
        let long = i64::from(number);
        let (factor, divisor, schema, value) = match form {
            0 => (1, 1, json!("int"), Value::Int(number)),
            1 => (1, 1, json!("long"), Value::Long(long)),
            2 => (1000, 1, annotated("timestamp-millis"), Value::TimestampMillis(long)),
            3 => (1, 1, annotated("timestamp-micros"), Value::TimestampMicros(long)),
            4 => (1, 1000, annotated("timestamp-nanos"), Value::TimestampNanos(long)),
            5 => (1000, 1, annotated("local-timestamp-millis"), Value::LocalTimestampMillis(long)),
            6 => (1, 1, annotated("local-timestamp-micros"), Value::LocalTimestampMicros(long)),
            _ => (1, 1000, annotated("local-timestamp-nanos"), Value::LocalTimestampNanos(long)),
        };
        ((long * factor).div_euclid(divisor), (schema, value))
    })
}

/// The field `requester` in a form of the writer; `None` is a schema without the field.
fn requester() -> impl Strategy<Value = (Option<String>, Option<Sample>)> {
    prop_oneof![
        Just((None, None)),
        Just((None, Some((json!("null"), Value::Null)))),
        Just((None, Some((json!(["string", "null"]), Value::Union(1, Box::new(Value::Null)))))),
        ".{0,9}".prop_map(|text| {
            let value = Value::String(text.clone());
            (Some(text), Some((json!(["string", "null"]), Value::Union(0, Box::new(value)))))
        }),
        ".{0,9}".prop_map(|text| {
            let value = Value::String(text.clone());
            (Some(text), Some((json!("string"), value)))
        }),
    ]
}

/// An event, and the fields of a writer that describe the event, in any order.
fn written_event() -> impl Strategy<Value = (ComputeRequested, Vec<WriterField>)> {
    (
        any::<u128>(),
        text(),
        proptest::collection::btree_map(".{0,4}", ".{0,9}", 0..4),
        requester(),
        proptest::option::of(text()),
        time(),
        vec(any_type(), 0..3),
    )
        .prop_map(|(id, operation, operands, requester, source, time, extra)| {
            let id = uuid::Uuid::from_u128(id);
            let map = operands
                .iter()
                .map(|(name, text)| (name.clone(), Value::Bytes(text.clone().into_bytes())));
            let map = Value::Map(map.collect());
            let uuid = json!({ "type": "string", "logicalType": "uuid" });
            let mut fields = vec![
                field("request_id", uuid, Value::Uuid(id)),
                field("operation", operation.1.0, operation.1.1),
                field("operands", json!({ "type": "map", "values": "bytes" }), map),
                field("requested_at", time.1.0, time.1.1),
            ];
            fields.extend(requester.1.map(|(schema, value)| field("requester", schema, value)));
            let event = ComputeRequested {
                request_id: id.to_string(),
                operation: operation.0,
                operands,
                requester: requester.0,
                source: source.as_ref().map_or_else(|| "unknown".to_owned(), |s| s.0.clone()),
                requested_at: Timestamp::from_micros(time.0),
            };
            fields.extend(source.map(|(_, (schema, value))| field("source", schema, value)));
            for (name, (schema, value)) in ["extra", "more", "most"].into_iter().zip(extra) {
                fields.push(field(name, schema, value));
            }
            (event, fields)
        })
        .prop_flat_map(|(event, fields)| (Just(event), Just(fields).prop_shuffle()))
}

/// Returns the schema of `fields`, and a record that `apache-avro` wrote.
fn written(namespace: &str, fields: &[WriterField]) -> (String, Vec<u8>) {
    let schemas: Vec<Json> = fields
        .iter()
        .map(|field| json!({ "name": field.name, "type": field.sample.0, "aliases": ["operation_"] }))
        .collect();
    let mut schema = json!({
        "type": "record",
        "name": "ComputeRequested",
        "namespace": namespace,
        "aliases": ["Another"],
        "fields": schemas,
    });
    with_unique_names(&mut schema, &mut 0);
    let values = fields.iter().map(|field| (field.name.to_owned(), field.sample.1.clone()));
    let value = Value::Record(values.collect());
    let parsed = apache_avro::Schema::parse(&schema).unwrap();
    let writer = apache_avro::writer::datum::GenericDatumWriter::builder(&parsed).build().unwrap();
    let body = writer.write_value_to_vec(value).unwrap();
    (schema.to_string(), [vec![0, 0, 0, 0, 7], body].concat())
}

fn namespace() -> impl Strategy<Value = &'static str> {
    select(vec!["abacus.compute.v1", "com.example.orders", ""])
}

proptest! {
    #[test]
    fn a_record_of_any_compatible_writer_is_read(
        (event, fields) in written_event(),
        namespace in namespace(),
    ) {
        let (schema, bytes) = written(namespace, &fields);
        let decoder = Decoder::<ComputeRequested>::new().unwrap();
        decoder.learn(ID, &schema).unwrap();
        prop_assert_eq!(decoder.decode(&bytes).unwrap(), event, "{}", schema);
    }

    #[test]
    fn damaged_records_of_any_writer_are_refused_or_read(
        (_, fields) in written_event(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        tail in vec(any::<u8>(), 0..30),
    ) {
        let (schema, mut bytes) = written("", &fields);
        for (index, byte) in changes {
            let index = 5 + index.index(bytes.len().saturating_sub(5).max(1));
            if let Some(old) = bytes.get_mut(index) {
                *old = byte;
            }
        }
        bytes.extend(tail);
        let decoder = Decoder::<ComputeRequested>::new().unwrap();
        decoder.learn(ID, &schema).unwrap();
        let result = decoder.decode(&bytes);
        let is_known = !matches!(result, Err(DecodeError::UnknownSchema(_)));
        prop_assert!(is_known);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "[\\[\\]{}\":, a-z]{0,60}") {
        let decoder = Decoder::<ComputeRequested>::new().unwrap();
        let _ = decoder.learn(ID, &text);
    }

    #[test]
    fn a_schema_with_a_part_replaced_is_refused_or_learned(
        (_, fields) in written_event(),
        replacement in select(vec![json!(null), json!([]), json!({}), json!("List"), json!(-1)]),
        part in any::<prop::sample::Index>(),
    ) {
        let (schema, bytes) = written("", &fields);
        let mut schema: Json = serde_json::from_str(&schema).unwrap();
        let mut count = 0;
        replace(&mut schema, &mut count, usize::MAX, &replacement);
        replace(&mut schema, &mut 0, part.index(count), &replacement);
        let decoder = Decoder::<ComputeRequested>::new().unwrap();
        if decoder.learn(ID, &schema.to_string()).is_ok() {
            let _ = decoder.decode(&bytes);
        }
    }
}

/// Replaces the part number `target` of a JSON value; counts the parts.
fn replace(json: &mut Json, count: &mut usize, target: usize, replacement: &Json) {
    let number = *count;
    *count += 1;
    match json {
        Json::Object(object) => {
            for inner in object.values_mut() {
                replace(inner, count, target, replacement);
            }
        }
        Json::Array(items) => {
            for inner in items {
                replace(inner, count, target, replacement);
            }
        }
        _ => {}
    }
    if number == target {
        json.clone_from(replacement);
    }
}
