//! Schema resolution of the Avro specification, for the types of the events.
//!
//! Names are compared without namespaces (AVRO-3898). Logical types of the writer count: a point in
//! time is converted to microseconds, and any other annotated number is refused as a point in time.
//! `local-timestamp-*` counts as UTC, because an event has no time zone.

use super::plan::{Plan, RecordPlan, Step, TimeUnit};
use super::types::{EnumType, Field, RecordType, Shape, Type, TypeId, Types};

/// Deepest nesting of a reader's types.
const MAX_READER_DEPTH: usize = 16;

/// Returns the plan for reading bytes of `writer` as `reader`. The error is a reason for people.
pub(crate) fn resolve(writer: &Types, reader: &Types) -> Result<Plan, String> {
    Resolution { writer, reader }.plan(writer.root, reader.root, MAX_READER_DEPTH)
}

struct Resolution<'a> {
    writer: &'a Types,
    reader: &'a Types,
}

impl Resolution<'_> {
    fn plan(&self, writer: TypeId, reader: TypeId, depth: usize) -> Result<Plan, String> {
        let depth = depth.checked_sub(1).ok_or("the event is nested too deeply")?;
        let (Some(from), Some(to)) = (self.writer.get(writer), self.reader.get(reader)) else {
            return Err("a type is missing".to_owned());
        };
        match (&from.shape, &to.shape) {
            (Shape::Union(branches), _) => self.writer_union(branches, reader, depth),
            (_, Shape::Union(branches)) => self.reader_union(writer, branches, depth),
            (Shape::Record(from), Shape::Record(to)) => {
                self.record(from, to, depth).map(Plan::Record)
            }
            (Shape::Enum(from), Shape::Enum(to)) => enumeration(from, to),
            (Shape::Map(from), Shape::Map(to)) => {
                Ok(Plan::Map(Box::new(self.plan(*from, *to, depth)?)))
            }
            _ => primitive(from, to),
        }
    }

    fn writer_union(
        &self,
        branches: &[TypeId],
        reader: TypeId,
        depth: usize,
    ) -> Result<Plan, String> {
        let plans: Vec<Result<Plan, Box<str>>> = branches
            .iter()
            .map(|branch| self.plan(*branch, reader, depth).map_err(String::into_boxed_str))
            .collect();
        match plans.iter().find_map(|plan| plan.as_ref().err()) {
            Some(reason) if plans.iter().all(Result::is_err) => Err(reason.to_string()),
            _ => Ok(Plan::Union(plans)),
        }
    }

    /// Chooses the first branch that matches. A value needs no mark of the branch, because no event
    /// has a union of two types with equal plans.
    fn reader_union(
        &self,
        writer: TypeId,
        branches: &[TypeId],
        depth: usize,
    ) -> Result<Plan, String> {
        let mut reason = "an empty union".to_owned();
        for branch in branches {
            match self.plan(writer, *branch, depth) {
                Ok(plan) => return Ok(plan),
                Err(error) => reason = error,
            }
        }
        Err(reason)
    }

    fn record(
        &self,
        writer: &RecordType,
        reader: &RecordType,
        depth: usize,
    ) -> Result<RecordPlan, String> {
        if writer.name != reader.name {
            return Err(format!("it describes another record, {}", writer.name));
        }
        let mut missing: Vec<&Field> = reader.fields.iter().collect();
        let mut steps = Vec::with_capacity(writer.fields.len());
        for field in &writer.fields {
            let Some(index) = missing.iter().position(|wanted| is_named(wanted, &field.name))
            else {
                steps.push(Step::Skip(field.id));
                continue;
            };
            let wanted = missing.remove(index);
            let plan = self.plan(field.id, wanted.id, depth);
            let plan = plan.map_err(|reason| format!("field {}: {reason}", wanted.name))?;
            steps.push(Step::Read(wanted.name.clone(), plan));
        }
        let mut defaults = Vec::with_capacity(missing.len());
        for field in missing {
            let default =
                field.resolution.as_ref().and_then(|resolution| resolution.default.clone());
            let default = default.ok_or_else(|| format!("field {} is missing", field.name))?;
            defaults.push((field.name.clone(), default));
        }
        Ok(RecordPlan { name: reader.name.clone(), steps, defaults })
    }
}

/// Returns `true` if a writer's field `name` is the reader's field.
fn is_named(field: &Field, name: &str) -> bool {
    let aliases = field.resolution.as_ref().map(|resolution| resolution.aliases.as_slice());
    *field.name == *name || aliases.unwrap_or_default().iter().any(|alias| **alias == *name)
}

fn enumeration(writer: &EnumType, reader: &EnumType) -> Result<Plan, String> {
    if writer.name != reader.name {
        return Err(format!("it describes another enum, {}", writer.name));
    }
    let symbols = writer.symbols.iter().map(|name| {
        let found = reader.symbols.iter().find(|symbol| *symbol == name);
        found.or(reader.default.as_ref()).cloned()
    });
    Ok(Plan::Enum(symbols.collect()))
}

fn primitive(writer: &Type, reader: &Type) -> Result<Plan, String> {
    match (&writer.shape, &reader.shape) {
        (Shape::Null, Shape::Null) => Ok(Plan::Null),
        (Shape::Text, Shape::Text) => Ok(Plan::Text),
        // Decimals and UUIDs in bytes are no text.
        (Shape::Bytes, Shape::Text) if writer.logical.is_none() => Ok(Plan::Text),
        (Shape::Int | Shape::Long, Shape::Long) if reader.logical.is_none() => Ok(Plan::Long),
        (Shape::Int | Shape::Long, Shape::Long) => time_unit(writer).map(Plan::Timestamp),
        _ => Err(format!("{} cannot be read as {}", described(writer), described(reader))),
    }
}

/// Returns the unit of a writer's number as a point in time. A number without a logical type has the
/// unit of the reader, as in the specification.
fn time_unit(writer: &Type) -> Result<TimeUnit, String> {
    match writer.logical.as_deref() {
        Some("timestamp-millis" | "local-timestamp-millis") => Ok(TimeUnit::Millis),
        None | Some("timestamp-micros" | "local-timestamp-micros") => Ok(TimeUnit::Micros),
        Some("timestamp-nanos" | "local-timestamp-nanos") => Ok(TimeUnit::Nanos),
        Some(_) => Err(format!("{} is no point in time", described(writer))),
    }
}

fn described(schema: &Type) -> String {
    let name = schema.shape.name();
    schema.logical.as_ref().map_or_else(|| name.to_owned(), |logical| format!("{name} ({logical})"))
}
