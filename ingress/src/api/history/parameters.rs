//! The query of a list: filters, limit and position.

use std::fmt::Write as _;
use std::time::SystemTime;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::cursor;
use crate::api::page::{self, DEFAULT_LIMIT};
use crate::log::{Cursor, Filter, Status};
use crate::problems::Error;

/// Largest number of requests in a page.
const MAX_LIMIT: u16 = 200;
/// Longest name to filter by, in characters.
const LONGEST_NAME: usize = 200;

/// Requesters whose requests a caller may list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Requesters<'a> {
    Only(&'a str),
    All,
}

/// A checked query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ListParameters {
    pub(super) filter: Filter,
    /// The query without the cursor, as written by the caller. The path of the next page repeats
    /// these parameters.
    given: Vec<(String, String)>,
}

/// The query of the caller's own list, for the API's description.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "a description")]
pub(super) struct OwnParameters {
    /// Only requests of this operation.
    #[param(inline, nullable = false, example = "pow")]
    operation: Option<NameFilter>,
    /// Only requests with this status.
    #[param(nullable = false)]
    status: Option<Status>,
    /// Only requests made at this time (RFC 3339) or later.
    #[param(format = DateTime, nullable = false)]
    from: Option<String>,
    /// Only requests made before this time (RFC 3339).
    #[param(format = DateTime, nullable = false)]
    to: Option<String>,
    /// Largest number of requests in a page; 50 by default.
    #[param(minimum = 1, maximum = 200, nullable = false)]
    limit: Option<u16>,
    /// Position of the page: copy the value unchanged from `next`.
    #[param(pattern = "^[A-Za-z0-9_-]{32}$", nullable = false)]
    cursor: Option<String>,
}

/// The additional parameter of the list of all requests.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "a description")]
pub(super) struct RequesterParameter {
    /// Only requests of this user.
    #[param(inline, nullable = false, example = "ada")]
    requester: Option<NameFilter>,
}

/// A name to filter by, for the API's description.
struct NameFilter;

impl PartialSchema for NameFilter {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(LONGEST_NAME))
            .pattern(Some(r"^[^\x00-\x1f\x7f]+$"))
            .into()
    }
}

impl ToSchema for NameFilter {}

impl ListParameters {
    /// Reads a query. `requesters` are the requesters visible to the caller.
    pub(super) fn read(
        pairs: Vec<(String, String)>,
        requesters: Requesters<'_>,
    ) -> Result<Self, Error> {
        let filter = Filter {
            requester: match requesters {
                Requesters::Only(name) => Some(name.to_owned()),
                Requesters::All => None,
            },
            operation: None,
            status: None,
            from: None,
            to: None,
            limit: DEFAULT_LIMIT,
            cursor: None,
        };
        let mut parameters = Self { filter, given: Vec::new() };
        for (name, text) in pairs {
            if parameters.given.iter().any(|(given, _)| *given == name) {
                return Err(invalid(&name, "is given more than once; give it once"));
            }
            parameters.set(&name, &text, requesters)?;
            parameters.given.push((name, text));
        }
        parameters.given.retain(|(name, _)| name != "cursor");
        Ok(parameters)
    }

    fn set(&mut self, name: &str, text: &str, requesters: Requesters<'_>) -> Result<(), Error> {
        let filter = &mut self.filter;
        match name {
            "operation" => filter.operation = Some(read_name(name, text)?),
            "status" => filter.status = Some(read_status(name, text)?),
            "from" => filter.from = Some(read_time(name, text)?),
            "to" => filter.to = Some(read_time(name, text)?),
            "limit" => filter.limit = read_limit(name, text)?,
            "cursor" => filter.cursor = Some(read_cursor(name, text)?),
            "requester" if requesters == Requesters::All => {
                filter.requester = Some(read_name(name, text)?);
            }
            _ => {
                return Err(invalid(
                    name,
                    "is not known here; the API's description lists the known parameters",
                ));
            }
        }
        Ok(())
    }

    /// Returns the query of the page after `cursor`.
    pub(super) fn next_query(&self, cursor: &Cursor) -> String {
        let mut query = format!("cursor={}", cursor::write(cursor));
        for (name, text) in &self.given {
            // Writing to a String cannot fail.
            let _ = write!(query, "&{name}={}", percent_encoded(text));
        }
        query
    }
}

fn invalid(parameter: &str, reason: impl Into<String>) -> Error {
    Error::InvalidParameter { parameter: parameter.to_owned(), reason: reason.into() }
}

fn read_name(parameter: &str, text: &str) -> Result<String, Error> {
    let is_name = !text.is_empty()
        && text.chars().count() <= LONGEST_NAME
        && !text.chars().any(|character| character.is_ascii_control());
    if is_name {
        Ok(text.to_owned())
    } else {
        Err(invalid(parameter, format!("must have 1 to {LONGEST_NAME} printable characters")))
    }
}

fn read_status(parameter: &str, text: &str) -> Result<Status, Error> {
    Status::from_name(text)
        .ok_or_else(|| invalid(parameter, "must be `pending`, `succeeded` or `failed`"))
}

fn read_time(parameter: &str, text: &str) -> Result<SystemTime, Error> {
    OffsetDateTime::parse(text, &Rfc3339).map(SystemTime::from).map_err(|_| {
        let advice = "must be a time such as `2026-11-21T09:30:00Z` (RFC 3339; write the `+` of an \
                      offset as `%2B`)";
        invalid(parameter, advice)
    })
}

fn read_limit(parameter: &str, text: &str) -> Result<u16, Error> {
    let limit = text.parse().ok().and_then(|limit| page::within(limit, MAX_LIMIT));
    limit.ok_or_else(|| invalid(parameter, format!("must be an integer from 1 to {MAX_LIMIT}")))
}

fn read_cursor(parameter: &str, text: &str) -> Result<Cursor, Error> {
    let advice = "must be copied unchanged from a page's `next`";
    cursor::parse(text).ok_or_else(|| invalid(parameter, advice))
}

/// Encodes all but the unreserved characters (RFC 3986, section 2.1).
fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)], requesters: Requesters<'_>) -> Result<ListParameters, Error> {
        let own = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        ListParameters::read(pairs.iter().map(own).collect(), requesters)
    }

    #[test]
    fn the_next_page_is_asked_for_with_the_same_filters() {
        let given = [("from", "2026-11-21T09:30:00+01:00"), ("limit", "7"), ("operation", "a b")];
        let first = read(&given, Requesters::All).unwrap();
        let cursor = Cursor { requested_at: SystemTime::UNIX_EPOCH, request_id: uuid::Uuid::nil() };
        let query = first.next_query(&cursor);
        assert!(
            query.ends_with("&from=2026-11-21T09%3A30%3A00%2B01%3A00&limit=7&operation=a%20b"),
            "{query}"
        );
        let text = cursor::write(&cursor);
        let second = read(&[&given[..], &[("cursor", &text)]].concat(), Requesters::All).unwrap();
        assert_eq!(second.next_query(&cursor), query);
        let filter = Filter { cursor: None, ..second.filter };
        assert_eq!(ListParameters { filter, given: second.given }, first);
    }

    #[test]
    fn nobody_but_an_administrator_chooses_whose_requests_they_see() {
        let own = read(&[], Requesters::Only("ada")).unwrap();
        assert_eq!(own.filter.requester.as_deref(), Some("ada"));
        assert!(read(&[("requester", "bob")], Requesters::Only("ada")).is_err());
        let bobs = read(&[("requester", "bob")], Requesters::All).unwrap();
        assert_eq!(bobs.filter.requester.as_deref(), Some("bob"));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        for (name, text) in [
            ("limit", "0"),
            ("limit", "201"),
            ("limit", "many"),
            ("status", "done"),
            ("from", "yesterday"),
            ("to", "2026-11-21 09:30"),
            ("cursor", "x"),
            ("operation", ""),
            ("operation", "a\0b"),
            ("page", "2"),
        ] {
            let error = read(&[(name, text)], Requesters::All).unwrap_err();
            assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
        }
        let twice = read(&[("limit", "5"), ("limit", "6")], Requesters::All).unwrap_err();
        assert!(twice.to_string().contains("once"), "{twice}");
    }
}
