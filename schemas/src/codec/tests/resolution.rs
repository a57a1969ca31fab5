//! Resolution of single schemas: logical types, namespaces, references, and permitted changes.

use serde_json::{Value as Json, json};

use super::*;

/// Returns the schema of `E` after `change` to the field `name`.
fn with_field<E: Event>(name: &str, change: impl FnOnce(&mut Json)) -> String {
    let mut schema: Json = serde_json::from_str(E::SCHEMA_JSON).unwrap();
    let fields = schema["fields"].as_array_mut().unwrap();
    change(fields.iter_mut().find(|field| field["name"] == name).unwrap());
    schema.to_string()
}

fn timed(kind: &str, logical: &str) -> String {
    with_field::<ComputeRequested>("requested_at", |field| {
        field["type"] = json!({ "type": kind, "logicalType": logical });
    })
}

fn refusal<E: Event>(schema: &str) -> String {
    Decoder::<E>::new().unwrap().learn(ID, schema).unwrap_err().to_string()
}

/// Our schema id, then a request with the number `time` as the last field.
fn bytes_with_time(time: i64) -> Vec<u8> {
    let with = |time| {
        let event = ComputeRequested { requested_at: Timestamp::from_micros(time), ..request() };
        Encoder::new(ID).unwrap().encode(&event).unwrap()
    };
    with(time)
}

#[test]
fn a_time_in_milliseconds_is_not_read_as_1970() {
    let decoder = taught::<ComputeRequested>(&timed("long", "timestamp-millis"));
    let event = decoder.decode(&bytes_with_time(1_700_000_000_123)).unwrap();
    assert_eq!(event.requested_at, Timestamp::from_micros(1_700_000_000_123_000));
    let error = decoder.decode(&bytes_with_time(i64::MAX)).unwrap_err().to_string();
    assert!(error.contains("exceed the range of a timestamp"), "{error}");
}

#[test]
fn other_logical_types_are_refused_as_a_time_by_name() {
    for (kind, logical) in
        [("long", "time-micros"), ("int", "date"), ("int", "time-millis"), ("long", "epoch-days")]
    {
        let error = refusal::<ComputeRequested>(&timed(kind, logical));
        assert!(error.contains(&format!("requested_at: {kind} ({logical})")), "{error}");
    }
}

#[test]
fn decimals_and_binary_uuids_are_no_text() {
    let fixed = json!({ "type": "fixed", "name": "U", "size": 16, "logicalType": "uuid" });
    let decimal = json!({ "type": "bytes", "logicalType": "decimal", "precision": 4 });
    for (schema, name) in [(fixed, "fixed (uuid)"), (decimal, "bytes (decimal)")] {
        let changed = with_field::<ComputeRequested>("request_id", |field| field["type"] = schema);
        let error = refusal::<ComputeRequested>(&changed);
        assert!(error.contains(&format!("request_id: {name} cannot be read")), "{error}");
    }
}

fn completion(cache: CacheLevel, outcome: Outcome) -> ComputeCompleted {
    let ComputeRequested { request_id, operation, operands, requester, source, requested_at } =
        request();
    ComputeCompleted {
        request_id,
        operation,
        operands,
        requester,
        source,
        requested_at,
        outcome,
        completed_at: requested_at,
        compute_micros: 7,
        cache,
        processor: "p".to_owned(),
    }
}

fn failed() -> Outcome {
    Outcome::Failed { code: "c".to_owned(), message: "m".to_owned() }
}

#[test]
fn a_new_symbol_of_a_cache_level_takes_the_default() {
    let newer = with_field::<ComputeCompleted>("cache", |field| {
        field["type"]["symbols"] = json!(["DISK", "MEMORY", "REDIS", "NONE"]);
    });
    // Index 0 is NONE in this version, and DISK in the newer version.
    let bytes = Encoder::new(ID).unwrap().encode(&completion(CacheLevel::None, failed())).unwrap();
    let decoder = taught::<ComputeCompleted>(&newer);
    assert_eq!(decoder.decode(&bytes).unwrap(), completion(CacheLevel::None, failed()));
    let bytes =
        Encoder::new(ID).unwrap().encode(&completion(CacheLevel::Memory, failed())).unwrap();
    assert_eq!(decoder.decode(&bytes).unwrap().cache, CacheLevel::Memory);
}

#[test]
fn outcomes_in_another_order_namespace_and_with_more_fields_are_read() {
    let newer = with_field::<ComputeCompleted>("outcome", |field| {
        let branches = field["type"].as_array_mut().unwrap();
        branches.reverse();
        branches[0]["namespace"] = json!("com.example");
        branches[0]["fields"].as_array_mut().unwrap().reverse();
        let hint = json!({ "name": "hint", "type": ["null", "string"], "default": null });
        branches[0]["fields"].as_array_mut().unwrap().push(hint);
    });
    let whole = Encoder::new(ID).unwrap().encode(&completion(CacheLevel::None, failed())).unwrap();
    // Branch 1, code and message of this version; branch 0, message, code and null of the newer.
    let old: &[u8] = &[2, 2, b'c', 2, b'm'];
    let at = whole.windows(old.len()).position(|window| window == old).unwrap();
    let bytes = [&whole[..at], &[0, 2, b'm', 2, b'c', 0], &whole[at + old.len()..]].concat();
    let decoder = taught::<ComputeCompleted>(&newer);
    assert_eq!(decoder.decode(&bytes).unwrap(), completion(CacheLevel::None, failed()));
}

#[test]
fn types_of_references_are_used() {
    let label = json!({ "type": "record", "name": "com.example.Label", "fields": [
        { "name": "text", "type": "string" },
    ] });
    let labels = json!({ "type": "array", "items": "com.example.Label" });
    let newer = changed(|fields| {
        fields.insert(0, json!({ "name": "labels", "type": labels, "default": [] }));
    });
    let (label, decoder) = (label.to_string(), Decoder::<ComputeRequested>::new().unwrap());
    let error = decoder.learn(ID, &newer).unwrap_err().to_string();
    assert!(error.contains("\"com.example.Label\" is not defined"), "{error}");
    decoder.learn_with_references(ID, &newer, &[&label]).unwrap();
    let own = Encoder::new(ID).unwrap().encode(&request()).unwrap();
    let bytes = [&own[..5], &[2, 2, b'x', 0], &own[5..]].concat();
    assert_eq!(decoder.decode(&bytes).unwrap(), request());
}

#[test]
fn old_schemas_make_way_for_new_ones_and_ours_stays() {
    let limits = DecodeLimits { schemas: 3, ..DecodeLimits::default() };
    let decoder = Decoder::<ComputeRequested>::with_limits(limits).unwrap();
    decoder.learn(ID, ComputeRequested::SCHEMA_JSON).unwrap();
    let newer = changed(|fields| fields.push(json!({ "name": "n", "type": "int", "default": 0 })));
    for id in 100..200 {
        decoder.learn(SchemaId(id), &newer).unwrap();
        assert!(decoder.has_learned(SchemaId(id)) && decoder.has_learned(ID));
    }
    let kept = (100..200).filter(|id| decoder.has_learned(SchemaId(*id))).count();
    assert_eq!(kept, 2);
}
