//! Reading of a record into a Rust type, with a plan.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer as _, MapAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::input::{Input, ValueLimits};
use super::plan::{Plan, RecordPlan, Step, TimeUnit};
use super::read_error::ReadError;
use super::skip::skip;
use super::types::Types;

/// Reads a value from `bytes`, which must hold nothing else. `writer` has the types of skipped fields.
pub(crate) fn from_bytes<T: DeserializeOwned>(
    bytes: &[u8],
    plan: &Plan,
    writer: &Types,
    limits: ValueLimits,
) -> Result<T, ReadError> {
    let mut input = Input::new(bytes, limits);
    let value = T::deserialize(Reader { plan, writer, input: &mut input })?;
    match input.len() {
        0 => Ok(value),
        rest => Err(ReadError::Malformed(format!("{rest} bytes follow the event"))),
    }
}

struct Reader<'a, 'de> {
    plan: &'a Plan,
    writer: &'a Types,
    input: &'a mut Input<'de>,
}

impl<'a> Reader<'a, '_> {
    /// Chooses the branch of a writer's union. Unions in unions do not exist.
    fn in_branch(self) -> Result<Self, ReadError> {
        let Plan::Union(branches) = self.plan else { return Ok(self) };
        let plan = self.input.branch(branches)?;
        let plan = plan.as_ref().map_err(|reason| ReadError::malformed(reason))?;
        Ok(Self { plan, ..self })
    }

    fn symbol(symbols: &'a [Option<Box<str>>], index: usize) -> Result<&'a str, ReadError> {
        match symbols.get(index) {
            Some(Some(symbol)) => Ok(symbol),
            Some(None) => {
                Err(ReadError::Malformed(format!("symbol {index} of an enum is unknown")))
            }
            None => Err(ReadError::Malformed(format!("an enum has no symbol {index}"))),
        }
    }
}

impl<'de> Deserializer<'de> for Reader<'_, 'de> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let Self { plan, writer, input } = self.in_branch()?;
        match plan {
            Plan::Null => visitor.visit_unit(),
            Plan::Long => visitor.visit_i64(input.long()?),
            Plan::Timestamp(unit) => visitor.visit_i64(micros(input.long()?, *unit)?),
            Plan::Text => visitor.visit_borrowed_str(input.text()?),
            Plan::Enum(symbols) => visitor.visit_str(Self::symbol(symbols, input.index()?)?),
            Plan::Map(values) => visitor.visit_map(Entries { values, writer, input, left: 0 }),
            Plan::Record(record) => visitor.visit_map(Fields::new(record, writer, input)),
            Plan::Union(_) => Err(ReadError::malformed("a union in a union")),
        }
    }

    /// A null is `None`, and any other branch is `Some`.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let reader = self.in_branch()?;
        match reader.plan {
            Plan::Null => visitor.visit_none(),
            _ => visitor.visit_some(reader),
        }
    }

    /// A symbol, or a record whose name is the variant.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let Self { plan, writer, input } = self.in_branch()?;
        match plan {
            Plan::Enum(symbols) => {
                let symbol = Self::symbol(symbols, input.index()?)?;
                visitor.visit_enum(symbol.into_deserializer())
            }
            Plan::Record(record) => visitor.visit_enum(Variant { record, writer, input }),
            _ => Err(ReadError::malformed("a value is no enum")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// Converts a writer's point in time to microseconds.
fn micros(number: i64, unit: TimeUnit) -> Result<i64, ReadError> {
    match unit {
        TimeUnit::Micros => Ok(number),
        TimeUnit::Nanos => Ok(number.div_euclid(1000)),
        TimeUnit::Millis => number.checked_mul(1000).ok_or_else(|| {
            ReadError::Malformed(format!("{number} ms exceed the range of a timestamp"))
        }),
    }
}

/// Entries of a map.
struct Entries<'a, 'de> {
    values: &'a Plan,
    writer: &'a Types,
    input: &'a mut Input<'de>,
    /// Entries left in the current block.
    left: u64,
}

impl<'de> MapAccess<'de> for Entries<'_, 'de> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ReadError> {
        if self.left == 0 {
            self.left = self.input.block()?;
        }
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        self.input.count_value()?;
        seed.deserialize(BorrowedStrDeserializer::new(self.input.text()?)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, ReadError> {
        seed.deserialize(Reader { plan: self.values, writer: self.writer, input: self.input })
    }
}

/// Fields of a record: first in the order of the writer, then the defaults.
struct Fields<'a, 'de> {
    steps: std::slice::Iter<'a, Step>,
    defaults: std::slice::Iter<'a, (Box<str>, serde_json::Value)>,
    writer: &'a Types,
    input: &'a mut Input<'de>,
    next: Option<NextValue<'a>>,
}

/// Source of the value after a key.
enum NextValue<'a> {
    Record(&'a Plan),
    Default(&'a serde_json::Value),
}

impl<'a, 'de> Fields<'a, 'de> {
    fn new(record: &'a RecordPlan, writer: &'a Types, input: &'a mut Input<'de>) -> Self {
        let (steps, defaults) = (record.steps.iter(), record.defaults.iter());
        Self { steps, defaults, writer, input, next: None }
    }

    /// Moves to the next field of the reader.
    fn advance(&mut self) -> Result<Option<(&'a str, NextValue<'a>)>, ReadError> {
        for step in self.steps.by_ref() {
            match step {
                Step::Skip(id) => skip(self.writer, *id, self.input)?,
                Step::Read(name, plan) => return Ok(Some((name, NextValue::Record(plan)))),
            }
        }
        Ok(self.defaults.next().map(|(name, value)| (&**name, NextValue::Default(value))))
    }
}

impl<'de> MapAccess<'de> for Fields<'_, 'de> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ReadError> {
        let Some((name, value)) = self.advance()? else { return Ok(None) };
        self.next = Some(value);
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, ReadError> {
        match self.next.take() {
            Some(NextValue::Record(plan)) => {
                seed.deserialize(Reader { plan, writer: self.writer, input: self.input })
            }
            Some(NextValue::Default(value)) => seed
                .deserialize(value.clone())
                .map_err(|error| ReadError::Malformed(format!("a default is wrong: {error}"))),
            None => Err(ReadError::malformed("a value without a field")),
        }
    }
}

/// A record as a variant of an enum.
struct Variant<'a, 'de> {
    record: &'a RecordPlan,
    writer: &'a Types,
    input: &'a mut Input<'de>,
}

impl<'de> EnumAccess<'de> for Variant<'_, 'de> {
    type Error = ReadError;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), ReadError> {
        let name: &str = &self.record.name;
        let variant = seed.deserialize(name.into_deserializer())?;
        Ok((variant, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_, 'de> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        Err(serde::de::Error::invalid_type(Unexpected::Map, &"a symbol"))
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, ReadError> {
        let _ = seed;
        Err(serde::de::Error::invalid_type(Unexpected::Map, &"a variant with fields"))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ReadError> {
        let _ = visitor;
        Err(serde::de::Error::invalid_type(Unexpected::Map, &"a variant with fields"))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_map(Fields::new(self.record, self.writer, self.input))
    }
}
