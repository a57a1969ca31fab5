//! Plans: instructions for reading a writer's bytes as the type of a reader.

use serde_json::Value;

use super::types::TypeId;

/// Instructions for one type of the reader.
#[derive(Debug)]
pub(crate) enum Plan {
    Null,
    /// An int or a long.
    Long,
    /// Text in UTF-8: a string, or bytes.
    Text,
    Timestamp(TimeUnit),
    /// Symbols of the reader, by index in the writer's enum. `None` is unknown to the reader.
    Enum(Vec<Option<Box<str>>>),
    /// A map; the plan is for the values.
    Map(Box<Plan>),
    Record(RecordPlan),
    /// A union of the writer. A branch can be unreadable, with a reason: records with the other
    /// branches are readable.
    Union(Vec<Result<Plan, Box<str>>>),
}

/// Unit of a writer's point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeUnit {
    Millis,
    Micros,
    Nanos,
}

/// Instructions for a record.
#[derive(Debug)]
pub(crate) struct RecordPlan {
    /// Unqualified name of the reader's record.
    pub(super) name: Box<str>,
    /// One step for each field of the writer, in order.
    pub(super) steps: Vec<Step>,
    /// Fields of the reader without a field of the writer.
    pub(super) defaults: Vec<(Box<str>, Value)>,
}

/// Instructions for a field of the writer.
#[derive(Debug)]
pub(super) enum Step {
    /// The reader has no such field.
    Skip(TypeId),
    /// The field has this name in the reader.
    Read(Box<str>, Plan),
}
