//! Avro types, with their JSON text and default values.

use serde_json::{Value, json};

/// A type of a field that no event has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    Text,
    /// A number or a text with a logical type.
    Logical(&'static str, &'static str),
    /// Bytes with the logical type `decimal`.
    Decimal,
    Array(Box<Type>),
    Map(Box<Type>),
    /// Branches of different kinds.
    Union(Vec<Type>),
    /// Name and number of symbols.
    Enum(String, u64),
    /// Name and size in bytes.
    Fixed(String, usize),
    /// Name and fields.
    Record(String, Vec<(String, Type)>),
    /// A list of longs: a record with the name that contains itself.
    List(String),
    /// A record of another subject, by its full name: one text with the name `code`.
    Reference(String),
}

impl Type {
    /// The text of the type in a schema.
    pub(crate) fn json(&self) -> Value {
        match self {
            Self::Null => json!("null"),
            Self::Boolean => json!("boolean"),
            Self::Int => json!("int"),
            Self::Long => json!("long"),
            Self::Float => json!("float"),
            Self::Double => json!("double"),
            Self::Bytes => json!("bytes"),
            Self::Text => json!("string"),
            Self::Logical(base, logical) => json!({ "type": base, "logicalType": logical }),
            Self::Decimal => {
                json!({ "type": "bytes", "logicalType": "decimal", "precision": 30, "scale": 5 })
            }
            Self::Array(items) => json!({ "type": "array", "items": items.json() }),
            Self::Map(values) => json!({ "type": "map", "values": values.json() }),
            Self::Union(branches) => branches.iter().map(Self::json).collect(),
            Self::Enum(name, symbols) => {
                let symbols: Vec<String> = (0..*symbols).map(|n| format!("S{n}")).collect();
                json!({ "type": "enum", "name": name, "symbols": symbols })
            }
            Self::Fixed(name, size) => json!({ "type": "fixed", "name": name, "size": size }),
            Self::Record(name, fields) => {
                json!({ "type": "record", "name": name, "fields": fields_json(fields) })
            }
            Self::List(name) => json!({ "type": "record", "name": name, "fields": [
                { "name": "value", "type": "long" },
                { "name": "next", "type": ["null", name] },
            ] }),
            Self::Reference(name) => json!(name),
        }
    }

    /// The default value of a field with this type.
    pub(crate) fn default(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Boolean => json!(true),
            Self::Float | Self::Double => json!(1.5),
            Self::Int | Self::Long => json!(7),
            Self::Bytes | Self::Decimal => json!("\u{1}\u{ff}"),
            Self::Text => json!("a text"),
            Self::Logical("string", _) => json!("01890a5d-ac96-774b-bcce-b302099a8057"),
            Self::Logical(..) => json!(0),
            Self::Array(_) => json!([]),
            Self::Map(_) => json!({}),
            Self::Union(branches) => branches.first().map_or(Value::Null, Self::default),
            Self::Enum(..) => json!("S0"),
            Self::Fixed(_, size) => json!("\u{0}".repeat(*size)),
            Self::Record(_, fields) => {
                fields.iter().map(|(name, field)| (name.clone(), field.default())).collect()
            }
            Self::List(_) => json!({ "value": 0, "next": null }),
            Self::Reference(_) => json!({ "code": "x" }),
        }
    }
}

fn fields_json(fields: &[(String, Type)]) -> Vec<Value> {
    fields.iter().map(|(name, field)| json!({ "name": name, "type": field.json() })).collect()
}
