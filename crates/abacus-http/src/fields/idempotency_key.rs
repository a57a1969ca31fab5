//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a string of RFC 8941, or a bare
//! token, the form sent by many clients.

use axum::http::{HeaderMap, HeaderName};

use super::structured::{split_unquoted, unquote};

/// The request header.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Header of an answer to an earlier request under the idempotency key.
pub const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Header with the expiry of the idempotency key.
pub const IDEMPOTENCY_EXPIRES: HeaderName = HeaderName::from_static("idempotency-expires");

/// Longest key, in characters.
const LONGEST: usize = 255;

/// A malformed key. The text completes a sentence beginning with the header's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the `Idempotency-Key` {0}")]
pub struct MalformedKey(pub &'static str);

/// A key, chosen by the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Reads the key of a request; `None` without the header.
    pub fn read(headers: &HeaderMap) -> Result<Option<Self>, MalformedKey> {
        let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(MalformedKey("is given more than once"));
        }
        let text = value.to_str().map_err(|_| MalformedKey("is not ASCII"))?;
        parse(text.trim()).map(|key| Some(Self(key)))
    }

    /// Returns the key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn parse(text: &str) -> Result<String, MalformedKey> {
    // An item may have parameters; the draft defines none.
    let item = split_unquoted(text, ';').next().unwrap_or_default().trim_end();
    let key = unquote(item);
    let is_valid = if item.starts_with('"') { is_string(item) } else { is_bare(item) };
    if !is_valid {
        return Err(MalformedKey("is neither a quoted string nor a token"));
    }
    match key.len() {
        0 => Err(MalformedKey("is empty")),
        1..=LONGEST => Ok(key),
        _ => Err(MalformedKey("has more than 255 characters")),
    }
}

/// Checks for a string: printable ASCII in quotes, with only quotes and backslashes escaped.
fn is_string(item: &str) -> bool {
    let Some(inner) = item.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return false;
    };
    let mut letters = inner.bytes();
    while let Some(letter) = letters.next() {
        let is_valid = match letter {
            b'\\' => matches!(letters.next(), Some(b'"' | b'\\')),
            b'"' => false,
            letter => letter == b' ' || letter.is_ascii_graphic(),
        };
        if !is_valid {
            return false;
        }
    }
    item.len() > 1
}

/// Checks for a token of RFC 8941. Unlike there, a token may begin with a digit, as UUIDs do.
fn is_bare(item: &str) -> bool {
    item.bytes()
        .all(|letter| letter.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:/=".contains(&letter))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(values: &[&str]) -> Result<Option<IdempotencyKey>, MalformedKey> {
        let headers = values.iter().map(|value| (IDEMPOTENCY_KEY, value.parse().unwrap()));
        IdempotencyKey::read(&headers.collect())
    }

    #[test]
    fn a_key_is_a_quoted_string_or_a_bare_token() {
        assert_eq!(read(&[]).unwrap(), None);
        let long = "k".repeat(255);
        for (value, key) in [
            ("\"8e03978e-40d5-43dd-bc93-6894a57f9324\"", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
            ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
            (r#""a \"b\" \\c; d""#, r#"a "b" \c; d"#),
            ("\"a\";version=1", "a"),
            (&long, &long),
        ] {
            assert_eq!(read(&[value]).unwrap(), Some(IdempotencyKey(key.to_owned())), "{value}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let long = "k".repeat(256);
        for value in
            ["", "\"\"", "\"", "a b", "a,b", "\"a\"b\"", r#""a\b""#, r#""a\"#, "{a}", &long]
        {
            assert!(matches!(read(&[value]), Err(MalformedKey(_))), "{value}");
        }
        assert!(read(&["a", "b"]).is_err());
    }
}
