//! A parsed schema: a list of types that refer to each other by index, so a recursive schema needs
//! no recursive structure.

use serde_json::Value;

/// Index of a type in its [`Types`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TypeId(pub(super) usize);

/// All types of a schema.
#[derive(Debug)]
pub(crate) struct Types {
    pub(super) list: Vec<Type>,
    /// Type of the whole schema.
    pub(super) root: TypeId,
}

/// A type with its annotation.
#[derive(Debug)]
pub(super) struct Type {
    pub(super) shape: Shape,
    /// Attribute `logicalType`, if any.
    pub(super) logical: Option<Box<str>>,
}

/// The types of the Avro specification.
#[derive(Debug)]
pub(super) enum Shape {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    Text,
    Fixed(usize),
    Enum(EnumType),
    Array(TypeId),
    Map(TypeId),
    Union(Vec<TypeId>),
    Record(RecordType),
}

/// An enum. The name has no namespace.
#[derive(Debug)]
pub(super) struct EnumType {
    pub(super) name: Box<str>,
    pub(super) symbols: Vec<Box<str>>,
    /// Symbol for an unknown symbol of a writer. Kept for readers only.
    pub(super) default: Option<Box<str>>,
}

/// A record. The name has no namespace.
#[derive(Debug)]
pub(super) struct RecordType {
    pub(super) name: Box<str>,
    pub(super) fields: Vec<Field>,
}

/// A field of a record.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: Box<str>,
    pub(super) id: TypeId,
    /// Names and default for resolution. Kept for readers only.
    pub(super) resolution: Option<Box<FieldResolution>>,
}

/// Attributes of a reader's field.
#[derive(Debug)]
pub(super) struct FieldResolution {
    pub(super) aliases: Vec<Box<str>>,
    pub(super) default: Option<Value>,
}

impl Types {
    pub(super) fn get(&self, id: TypeId) -> Option<&Type> {
        self.list.get(id.0)
    }
}

impl Shape {
    /// Name of the type for messages.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Long => "long",
            Self::Float => "float",
            Self::Double => "double",
            Self::Bytes => "bytes",
            Self::Text => "string",
            Self::Fixed(_) => "fixed",
            Self::Enum(_) => "enum",
            Self::Array(_) => "array",
            Self::Map(_) => "map",
            Self::Union(_) => "union",
            Self::Record(_) => "record",
        }
    }
}
