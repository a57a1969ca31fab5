//! Skips values of fields that the event does not have.

use super::input::Input;
use super::read_error::ReadError;
use super::types::{Shape, TypeId, Types};

/// Moves the cursor behind a value of the type `id`.
pub(super) fn skip(types: &Types, id: TypeId, input: &mut Input<'_>) -> Result<(), ReadError> {
    Skip { types, input }.value(id, 0)
}

struct Skip<'a, 'de> {
    types: &'a Types,
    input: &'a mut Input<'de>,
}

impl Skip<'_, '_> {
    fn value(&mut self, id: TypeId, depth: u32) -> Result<(), ReadError> {
        self.input.count_value()?;
        if depth >= self.input.max_depth() {
            return Err(ReadError::TooLarge(format!("the record is nested deeper than {depth}")));
        }
        let types = self.types;
        let found = types.get(id).ok_or_else(|| ReadError::malformed("a type is missing"))?;
        match &found.shape {
            Shape::Null => Ok(()),
            Shape::Boolean => self.input.take(1).map(drop),
            Shape::Float => self.input.take(4).map(drop),
            Shape::Double => self.input.take(8).map(drop),
            Shape::Fixed(size) => self.input.take(*size).map(drop),
            Shape::Int | Shape::Long | Shape::Enum(_) => self.input.long().map(drop),
            Shape::Bytes | Shape::Text => self.input.bytes().map(drop),
            Shape::Array(item) => self.blocks(*item, depth, Key::Absent),
            Shape::Map(value) => self.blocks(*value, depth, Key::Present),
            Shape::Union(branches) => {
                let branch = self.input.branch(branches)?;
                self.value(*branch, depth + 1)
            }
            Shape::Record(record) => {
                record.fields.iter().try_for_each(|field| self.value(field.id, depth + 1))
            }
        }
    }

    fn blocks(&mut self, item: TypeId, depth: u32, key: Key) -> Result<(), ReadError> {
        loop {
            let count = self.input.block()?;
            if count == 0 {
                return Ok(());
            }
            for _ in 0..count {
                if key == Key::Present {
                    self.input.bytes()?;
                }
                self.value(item, depth + 1)?;
            }
        }
    }
}

/// Presence of a key before each item: maps have keys.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    Present,
    Absent,
}
