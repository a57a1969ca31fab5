//! Parsing of schemas: JSON text to [`Types`].
//!
//! The parser refuses only text without a defined binary form. It accepts, for example, unusual
//! names and defaults of a wrong type, because the registry decides about the validity of a schema.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::types::{EnumType, Field, FieldResolution, RecordType, Shape, Type, TypeId, Types};

/// Purpose of a parsed schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The schema of this version; defaults and aliases are kept.
    Reader,
    /// The schema of a record; defaults and aliases have no effect, and are dropped.
    Writer,
}

/// Parses the schema `text`, which may use the types of `references`. A reference comes after its
/// own references. The error is a reason for people.
pub(crate) fn parse(text: &str, references: &[&str], role: Role) -> Result<Types, String> {
    let mut parser = Parser { list: Vec::new(), names: HashMap::new(), role };
    for reference in references {
        parser.text(reference).map_err(|reason| format!("in a referenced schema: {reason}"))?;
    }
    let root = parser.text(text)?;
    Ok(Types { list: parser.list, root })
}

struct Parser {
    list: Vec<Type>,
    /// Named types by full name.
    names: HashMap<String, TypeId>,
    role: Role,
}

type Object = Map<String, Value>;

impl Parser {
    fn text(&mut self, text: &str) -> Result<TypeId, String> {
        // serde_json bounds the nesting of a text to 128, and so the recursion of this parser.
        let json: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        self.schema(&json, "")
    }

    fn schema(&mut self, json: &Value, namespace: &str) -> Result<TypeId, String> {
        match json {
            Value::String(name) => self.named_or_primitive(name, namespace),
            Value::Array(branches) => self.union(branches, namespace),
            Value::Object(object) => match object.get("type") {
                Some(Value::String(name)) => self.object(name, object, namespace),
                Some(inner) => self.schema(inner, namespace),
                None => Err("a type without the attribute \"type\"".to_owned()),
            },
            other => Err(format!("{other} is no type")),
        }
    }

    fn named_or_primitive(&mut self, name: &str, namespace: &str) -> Result<TypeId, String> {
        if let Some(shape) = primitive(name) {
            return Ok(self.push(shape, None));
        }
        let full = full_name(name, namespace);
        let found = self.names.get(&full).or_else(|| self.names.get(name));
        found.copied().ok_or_else(|| format!("the type {full:?} is not defined"))
    }

    fn object(&mut self, kind: &str, json: &Object, namespace: &str) -> Result<TypeId, String> {
        let logical = json.get("logicalType").and_then(Value::as_str).map(Box::from);
        match kind {
            "record" | "error" => self.record(json, namespace),
            "enum" => self.enumeration(json, namespace),
            "fixed" => {
                let size = json.get("size").and_then(Value::as_u64);
                let size = size.and_then(|size| usize::try_from(size).ok());
                let (_, id) = self.declare(json, namespace)?;
                self.define(id, Shape::Fixed(size.ok_or("a fixed type without a size")?), logical);
                Ok(id)
            }
            "array" | "map" => {
                let member = if kind == "array" { "items" } else { "values" };
                let inner = json.get(member).ok_or_else(|| format!("a {kind} without {member}"))?;
                let inner = self.schema(inner, namespace)?;
                let shape = if kind == "array" { Shape::Array(inner) } else { Shape::Map(inner) };
                Ok(self.push(shape, logical))
            }
            name => match primitive(name) {
                Some(shape) => Ok(self.push(shape, logical)),
                None => self.named_or_primitive(name, namespace),
            },
        }
    }

    fn union(&mut self, branches: &[Value], namespace: &str) -> Result<TypeId, String> {
        let mut ids = Vec::with_capacity(branches.len());
        for branch in branches {
            ids.push(self.schema(branch, namespace)?);
        }
        // Without this rule of the specification, a short union of one large record would resolve to
        // a plan of any size.
        let mut seen = HashSet::new();
        for id in &ids {
            match self.list.get(id.0).map(|found| &found.shape) {
                Some(Shape::Union(_)) => return Err("a union in a union".to_owned()),
                Some(Shape::Record(_) | Shape::Enum(_) | Shape::Fixed(_)) | None => {
                    if !seen.insert(Branch::Named(*id)) {
                        return Err("a type twice in a union".to_owned());
                    }
                }
                Some(shape) => {
                    if !seen.insert(Branch::Unnamed(std::mem::discriminant(shape))) {
                        return Err("a type twice in a union".to_owned());
                    }
                }
            }
        }
        Ok(self.push(Shape::Union(ids), None))
    }

    fn record(&mut self, json: &Object, namespace: &str) -> Result<TypeId, String> {
        let (name, id) = self.declare(json, namespace)?;
        let (namespace, short) = split(&name);
        let fields = json.get("fields").and_then(Value::as_array);
        let fields = fields.ok_or_else(|| format!("the record {name:?} has no fields"))?;
        let mut parsed = Vec::with_capacity(fields.len());
        let mut seen = HashSet::new();
        for field in fields {
            let field_name = field.get("name").and_then(Value::as_str);
            let field_name =
                field_name.ok_or_else(|| format!("a field of {name:?} has no name"))?;
            if !seen.insert(field_name) {
                return Err(format!("{name:?} has two fields {field_name:?}"));
            }
            let inner = field.get("type").ok_or_else(|| format!("{field_name:?} has no type"))?;
            let id = self.schema(inner, namespace)?;
            parsed.push(Field { name: field_name.into(), id, resolution: self.resolution(field) });
        }
        self.define(id, Shape::Record(RecordType { name: short.into(), fields: parsed }), None);
        Ok(id)
    }

    fn resolution(&self, field: &Value) -> Option<Box<FieldResolution>> {
        (self.role == Role::Reader).then(|| {
            let aliases = texts(field.get("aliases")).unwrap_or_default();
            Box::new(FieldResolution { aliases, default: field.get("default").cloned() })
        })
    }

    fn enumeration(&mut self, json: &Object, namespace: &str) -> Result<TypeId, String> {
        let (name, id) = self.declare(json, namespace)?;
        let default = json.get("default").and_then(Value::as_str).map(Box::from);
        let shape = Shape::Enum(EnumType {
            name: split(&name).1.into(),
            symbols: texts(json.get("symbols"))
                .ok_or_else(|| format!("{name:?} has no symbols"))?,
            default: default.filter(|_| self.role == Role::Reader),
        });
        self.define(id, shape, None);
        Ok(id)
    }

    /// Adds a named type, so that its own parts can refer to the type. Returns the full name.
    fn declare(&mut self, json: &Object, namespace: &str) -> Result<(String, TypeId), String> {
        let name = json.get("name").and_then(Value::as_str).ok_or("a named type without a name")?;
        let namespace = json.get("namespace").and_then(Value::as_str).unwrap_or(namespace);
        let full = full_name(name, namespace);
        // A record stands for the type until its definition ends: the shape must not equal a primitive
        // branch of a union inside the definition.
        let unfinished = RecordType { name: Box::default(), fields: Vec::new() };
        let id = self.push(Shape::Record(unfinished), None);
        if self.names.insert(full.clone(), id).is_some() {
            return Err(format!("the type {full:?} is defined twice"));
        }
        Ok((full, id))
    }

    fn define(&mut self, id: TypeId, shape: Shape, logical: Option<Box<str>>) {
        if let Some(declared) = self.list.get_mut(id.0) {
            *declared = Type { shape, logical };
        }
    }

    fn push(&mut self, shape: Shape, logical: Option<Box<str>>) -> TypeId {
        self.list.push(Type { shape, logical });
        TypeId(self.list.len() - 1)
    }
}

/// A branch of a union, for the search for duplicates.
#[derive(PartialEq, Eq, Hash)]
enum Branch {
    Named(TypeId),
    Unnamed(std::mem::Discriminant<Shape>),
}

fn primitive(name: &str) -> Option<Shape> {
    Some(match name {
        "null" => Shape::Null,
        "boolean" => Shape::Boolean,
        "int" => Shape::Int,
        "long" => Shape::Long,
        "float" => Shape::Float,
        "double" => Shape::Double,
        "bytes" => Shape::Bytes,
        "string" => Shape::Text,
        _ => return None,
    })
}

/// Returns the full name: a name with a dot is full already.
fn full_name(name: &str, namespace: &str) -> String {
    if name.contains('.') || namespace.is_empty() {
        name.to_owned()
    } else {
        format!("{namespace}.{name}")
    }
}

/// Splits a full name into namespace and unqualified name.
fn split(full_name: &str) -> (&str, &str) {
    full_name.rsplit_once('.').unwrap_or(("", full_name))
}

fn texts(json: Option<&Value>) -> Option<Vec<Box<str>>> {
    json?.as_array()?.iter().map(|text| text.as_str().map(Box::from)).collect()
}
