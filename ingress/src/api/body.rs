//! JSON bodies of computations.
//!
//! An operand is a string of digits or a JSON integer of any size. The text of a number stays
//! unparsed, so no digit is lost. The operations refuse `1e9` and `1.5` like any malformed text.

use std::collections::BTreeMap;
use std::fmt;

use abacus_http::fields::content_type;
use abacus_http::problem::ProblemType;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::problems::{Error, types};
use crate::requests::ComputationRequest;

/// Form of the body of one computation.
const FORM: &str = r#"the body must be {"operation": name, "operands": {name: integer}}"#;

/// Refuses a body whose `Content-Type` is not JSON.
pub(super) fn check_content_type(headers: &HeaderMap) -> Result<(), Error> {
    if content_type::is_json(headers) {
        return Ok(());
    }
    let detail = "the body must be JSON; send it with `Content-Type: application/json`";
    Err(Error::new(types::requests::UNSUPPORTED_MEDIA_TYPE, detail))
}

/// Returns the error of an incomplete or too large body.
pub(super) fn refuse_part(rejection: &BytesRejection, limit: u64) -> Error {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        Error::BodyTooLarge { limit }
    } else {
        let detail = "the body ended early; send as many bytes as `Content-Length` announces";
        Error::new(types::requests::INCOMPLETE_BODY, detail)
    }
}

/// Returns the error of an unreadable body. A body of JSON in another form than `form` is a problem
/// of the type `invalid`.
pub(super) fn refuse(
    error: &serde_json::Error,
    invalid: &'static ProblemType,
    form: &str,
) -> Error {
    match error.classify() {
        Category::Data => Error::new(invalid, format!("{form}: {error}")),
        Category::Io | Category::Syntax | Category::Eof => {
            Error::new(types::requests::MALFORMED_JSON, format!("the body is not JSON: {error}"))
        }
    }
}

/// Reads the body of one computation.
pub(super) fn read(bytes: &[u8]) -> Result<ComputationRequest, Error> {
    let body: Body<'_> =
        serde_json::from_slice(bytes).map_err(|error| refuse_computation(&error))?;
    let mut operands = BTreeMap::new();
    for (name, value) in body.operands.0 {
        let text = operand(&name, value)?;
        insert_once(&mut operands, name, text)?;
    }
    Ok(ComputationRequest { operation: body.operation, operands })
}

/// Adds an operand; a repeated name is an error.
pub(super) fn insert_once(
    operands: &mut BTreeMap<String, String>,
    name: String,
    text: String,
) -> Result<(), Error> {
    if operands.contains_key(&name) {
        return Err(Error::RepeatedOperand { operand: name });
    }
    operands.insert(name, text);
    Ok(())
}

fn refuse_computation(error: &serde_json::Error) -> Error {
    refuse(error, types::requests::INVALID_BODY, FORM)
}

fn operand(name: &str, value: &RawValue) -> Result<String, Error> {
    let text = value.get();
    let found = match text.bytes().next() {
        Some(b'"') => {
            return serde_json::from_str(text).map_err(|error| refuse_computation(&error));
        }
        Some(b'-' | b'0'..=b'9') => return Ok(text.to_owned()),
        Some(b'[') => "an array",
        Some(b'{') => "an object",
        Some(b'n') => "null",
        _ => "a boolean",
    };
    Err(Error::OperandType { operand: name.to_owned(), found })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<'a> {
    operation: String,
    #[serde(borrow)]
    operands: Entries<'a>,
}

/// The members of an object, including repeated names. A map would drop repeated names.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of operands by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(entries)
            }
        }
        deserializer.deserialize_map(Object).map(Self)
    }
}

#[cfg(test)]
mod tests;
