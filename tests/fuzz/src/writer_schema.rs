//! Random schemas of producers: evolutions of `ComputeRequested` that a registry may accept.

use abacus_schemas::{ComputeRequested, Timestamp};
use abacus_testkit::Random;
use serde_json::{Value, json};

use crate::avro::{DataLimits, Type, put_long, put_text, random_type, write};

/// Full name of the record in the subject of references.
pub(crate) const REFERENCE: &str = "abacus.fuzz.Referenced";

/// Types of a point in time, with the number of units in a millisecond.
const TIMES: [(&str, i64); 5] = [
    ("timestamp-micros", 1000),
    ("timestamp-millis", 1),
    ("timestamp-nanos", 1_000_000),
    ("local-timestamp-micros", 1000),
    ("local-timestamp-millis", 1),
];

/// A schema of a producer.
#[derive(Clone, Debug)]
pub(crate) struct WriterSchema {
    namespace: &'static str,
    fields: Vec<Field>,
}

#[derive(Clone, Debug)]
enum Field {
    RequestId {
        is_uuid: bool,
    },
    Operation {
        is_bytes: bool,
    },
    Operands,
    Requester {
        is_null_last: bool,
    },
    Source,
    RequestedAt(&'static str, i64),
    /// A field that the event does not have.
    Other(String, Type),
}

impl WriterSchema {
    /// The schema of the event, with the fields in their order.
    pub(crate) fn own() -> Self {
        let (unit, per_millisecond) = TIMES[0];
        Self {
            namespace: "abacus.compute.v1",
            fields: vec![
                Field::RequestId { is_uuid: false },
                Field::Operation { is_bytes: false },
                Field::Operands,
                Field::Requester { is_null_last: false },
                Field::Source,
                Field::RequestedAt(unit, per_millisecond),
            ],
        }
    }

    /// The schema of the event with three more fields: an array of nulls, an array of arrays of nulls,
    /// and a list.
    pub(crate) fn bomb() -> Self {
        let nulls = || Type::Array(Box::new(Type::Null));
        let mut schema = Self::own();
        schema.fields.extend([
            Field::Other("wide".to_owned(), nulls()),
            Field::Other("nested".to_owned(), Type::Array(Box::new(nulls()))),
            Field::Other("deep".to_owned(), Type::List("Deep".to_owned())),
        ]);
        schema
    }

    /// The random schema `number` of `seed`.
    pub(crate) fn random(seed: u64, number: u64) -> Self {
        let mut random = Random::about(seed ^ 0x5c4e_3a01, number);
        let mut one_in = |n: u64| random.below(n) == 0;
        let mut fields = vec![
            Field::RequestId { is_uuid: one_in(6) },
            Field::Operation { is_bytes: one_in(8) },
            Field::Operands,
        ];
        if !one_in(6) {
            fields.push(Field::Requester { is_null_last: one_in(6) });
        }
        if !one_in(6) {
            fields.push(Field::Source);
        }
        let namespace = *random.one_of(&["abacus.compute.v1", "com.example.callers", ""]);
        let (unit, per_millisecond) = *random.one_of(&TIMES);
        fields.push(Field::RequestedAt(unit, per_millisecond));
        for other in 0..random.below(4) {
            fields.push(other_field(&mut random, number, other));
        }
        random.shuffle(&mut fields);
        Self { namespace, fields }
    }

    /// Returns whether the schema refers to [`REFERENCE`].
    pub(crate) fn has_reference(&self) -> bool {
        let is_reference = |field: &Field| matches!(field, Field::Other(_, Type::Reference(_)));
        self.fields.iter().any(is_reference)
    }

    /// The text of the schema.
    pub(crate) fn json(&self) -> Value {
        let fields: Vec<Value> = self.fields.iter().map(Field::json).collect();
        let mut schema = json!({ "type": "record", "name": "ComputeRequested", "fields": fields });
        if !self.namespace.is_empty() {
            schema["namespace"] = self.namespace.into();
        }
        schema
    }

    /// Encodes `request`, with random data in all other fields.
    pub(crate) fn encode(
        &self,
        request: &ComputeRequested,
        random: &mut Random,
        limits: DataLimits,
    ) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.fields.iter().for_each(|field| field.encode(request, random, limits, &mut bytes));
        bytes
    }

    /// Returns `request` as a reader sees it: fields of this schema only, and times in its unit.
    pub(crate) fn as_read(&self, mut request: ComputeRequested) -> ComputeRequested {
        let has = |wanted: fn(&Field) -> bool| self.fields.iter().any(wanted);
        if !has(|field| matches!(field, Field::Requester { .. })) {
            request.requester = None;
        }
        if !has(|field| matches!(field, Field::Source)) {
            "unknown".clone_into(&mut request.source);
        }
        request
    }
}

/// A default is what makes a new field compatible.
fn other_field(random: &mut Random, schema: u64, number: u64) -> Field {
    let name = format!("x{schema}_{number}");
    if random.below(8) == 0 {
        return Field::Other(name, Type::Reference(REFERENCE.to_owned()));
    }
    let prefix = format!("X{schema}_{number}_");
    let depth = u32::try_from(random.below(5)).unwrap();
    Field::Other(name, random_type(random, depth, &prefix))
}

impl Field {
    fn json(&self) -> Value {
        match self {
            Self::RequestId { is_uuid: true } => json!({
                "name": "request_id", "type": { "type": "string", "logicalType": "uuid" },
            }),
            Self::RequestId { .. } => json!({ "name": "request_id", "type": "string" }),
            Self::Operation { is_bytes: true } => json!({ "name": "operation", "type": "bytes" }),
            Self::Operation { .. } => {
                json!({ "name": "operation", "type": "string", "aliases": ["function"] })
            }
            Self::Operands => json!({
                "name": "operands", "type": { "type": "map", "values": "string" },
            }),
            Self::Requester { is_null_last: true } => json!({
                "name": "requester", "type": ["string", "null"], "default": "nobody",
            }),
            Self::Requester { .. } => json!({
                "name": "requester", "type": ["null", "string"], "default": null,
            }),
            Self::Source => json!({ "name": "source", "type": "string", "default": "elsewhere" }),
            Self::RequestedAt(unit, _) => json!({
                "name": "requested_at", "type": { "type": "long", "logicalType": unit },
            }),
            Self::Other(name, of) => {
                json!({ "name": name, "type": of.json(), "default": of.default() })
            }
        }
    }

    fn encode(
        &self,
        request: &ComputeRequested,
        random: &mut Random,
        limits: DataLimits,
        to: &mut Vec<u8>,
    ) {
        match self {
            Self::RequestId { .. } => put_text(to, &request.request_id),
            Self::Operation { .. } => put_text(to, &request.operation),
            Self::Operands => put_operands(request, to),
            Self::Requester { is_null_last } => {
                let branch = request.requester.is_some() != *is_null_last;
                put_long(to, branch.into());
                request.requester.iter().for_each(|requester| put_text(to, requester));
            }
            Self::Source => put_text(to, &request.source),
            Self::RequestedAt(_, per_millisecond) => {
                put_long(to, in_units(request.requested_at, *per_millisecond));
            }
            Self::Other(_, of) => write(of, random, limits, to),
        }
    }
}

fn in_units(time: Timestamp, per_millisecond: i64) -> i64 {
    match per_millisecond {
        1000 => time.as_micros(),
        per_millisecond => (time.as_micros() / 1000).saturating_mul(per_millisecond),
    }
}

fn put_operands(request: &ComputeRequested, to: &mut Vec<u8>) {
    if !request.operands.is_empty() {
        put_long(to, i64::try_from(request.operands.len()).unwrap());
    }
    for (name, value) in &request.operands {
        put_text(to, name);
        put_text(to, value);
    }
    put_long(to, 0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_makes_the_same_schemas_and_every_sort_comes_up() {
        let all = |seed| -> Vec<String> {
            (0..200).map(|n| WriterSchema::random(seed, n).json().to_string()).collect()
        };
        assert_eq!(all(1), all(1));
        assert_ne!(all(1), all(2));
        let all = all(1).concat();
        for part in [
            "decimal",
            "array",
            "map",
            "fixed",
            "enum",
            "S0",
            "uuid",
            "timestamp-nanos",
            "next",
            "com.example",
            REFERENCE,
            "\"bytes\"",
        ] {
            assert!(all.contains(part), "{part}");
        }
    }
}
