//! Random types with a value each, for fields that the event does not have.

use apache_avro::types::Value;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// A type, and a value of the type.
pub(super) type Sample = (Json, Value);

fn leaf() -> impl Strategy<Value = Sample> {
    prop_oneof![
        Just((json!("null"), Value::Null)),
        any::<bool>().prop_map(|value| (json!("boolean"), Value::Boolean(value))),
        any::<i32>().prop_map(|value| (json!("int"), Value::Int(value))),
        any::<i64>().prop_map(|value| (json!("long"), Value::Long(value))),
        any::<f32>().prop_map(|value| (json!("float"), Value::Float(value))),
        any::<f64>().prop_map(|value| (json!("double"), Value::Double(value))),
        vec(any::<u8>(), 0..20).prop_map(|value| (json!("bytes"), Value::Bytes(value))),
        ".{0,10}".prop_map(|value| (json!("string"), Value::String(value))),
        vec(any::<u8>(), 0..20).prop_map(|value| {
            let schema = json!({ "type": "fixed", "name": "?", "size": value.len() });
            (schema, Value::Fixed(value.len(), value))
        }),
        (0..3_u32).prop_map(|index| {
            let symbols = ["A", "B", "C"];
            let schema = json!({ "type": "enum", "name": "?", "symbols": symbols });
            (schema, Value::Enum(index, symbols[index as usize].to_owned()))
        }),
        any::<i64>().prop_map(|value| {
            let schema = json!({ "type": "long", "logicalType": "timestamp-millis" });
            (schema, Value::TimestampMillis(value))
        }),
        (0..20_usize).prop_map(|length| {
            let next = json!({ "name": "next", "type": ["null", "List"] });
            let schema = json!({ "type": "record", "name": "List", "fields": [next] });
            let end = Value::Record(vec![("next".to_owned(), optional(Value::Null))]);
            let list = (0..length)
                .fold(end, |list, _| Value::Record(vec![("next".to_owned(), optional(list))]));
            (schema, list)
        }),
    ]
}

fn optional(value: Value) -> Value {
    let branch = u32::from(value != Value::Null);
    Value::Union(branch, Box::new(value))
}

/// Any type, nested up to four times.
pub(super) fn any_type() -> impl Strategy<Value = Sample> {
    leaf().prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            (inner.clone(), 0..4_usize).prop_map(|((schema, value), length)| {
                let schema = json!({ "type": "array", "items": schema });
                (schema, Value::Array(vec![value; length]))
            }),
            (inner.clone(), vec(".{0,5}", 0..4)).prop_map(|((schema, value), keys)| {
                let schema = json!({ "type": "map", "values": schema });
                let entries = keys.into_iter().map(|key| (key, value.clone()));
                (schema, Value::Map(entries.collect()))
            }),
            inner.clone().prop_map(|(schema, value)| {
                if schema.is_array() || schema == "null" {
                    return (schema, value);
                }
                (json!(["null", schema]), Value::Union(1, Box::new(value)))
            }),
            vec(inner, 0..4).prop_map(|fields| {
                let name = |index: usize| format!("f{index}");
                let schemas = fields.iter().enumerate();
                let schemas: Vec<Json> = schemas
                    .map(|(index, (schema, _))| json!({ "name": name(index), "type": schema }))
                    .collect();
                let values = fields.into_iter().enumerate();
                let values = values.map(|(index, (_, value))| (name(index), value)).collect();
                let schema = json!({ "type": "record", "name": "?", "fields": schemas });
                (schema, Value::Record(values))
            }),
        ]
    })
}

/// Gives each named type a name of its own.
pub(super) fn with_unique_names(schema: &mut Json, next: &mut u32) {
    match schema {
        Json::Object(object) => {
            let list = object.get("name").is_some_and(|name| name == "List");
            if object.get("name").is_some_and(|name| name == "?") || list {
                *next += 1;
                let name = format!("Named{next}");
                if list {
                    object["fields"][0]["type"][1] = json!(name);
                }
                object["name"] = json!(name);
            }
            object.values_mut().for_each(|inner| with_unique_names(inner, next));
        }
        Json::Array(items) => items.iter_mut().for_each(|inner| with_unique_names(inner, next)),
        _ => {}
    }
}
