//! Pages of lists: the query of a page, and the cursor of the next page.
//!
//! The cursor of a page is the key of the last entry before the page, so new entries do not move
//! later pages. Each list sets the largest size of a page, and the form of the cursor.

use std::marker::PhantomData;

use serde::Deserialize;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{KnownFormat, ObjectBuilder, Required, SchemaFormat, Type};

use crate::problems::{Error, types};

/// Default number of entries in a page.
pub(super) const DEFAULT_LIMIT: u16 = 50;

/// Largest number of entries in a page read by [`PageQuery::page`].
const MAX_LIMIT: u16 = 100;

/// Key of an entry in the order of a list.
pub(super) trait PageKey: Sized {
    /// Pattern of a cursor, for the API's description.
    const PATTERN: &'static str;

    /// Reads a cursor; `None` for a text in another form.
    fn parse(cursor: &str) -> Option<Self>;
}

/// A page of a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page<K> {
    /// Key of the last entry before the page; `None` for the first page.
    pub(super) after: Option<K>,
    /// Largest number of entries.
    pub(super) limit: u16,
}

/// Query of a page, as written by the caller.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    limit: Option<i64>,
    cursor: Option<String>,
}

/// Parameters of a [`PageQuery`] for a list with the keys `K`, for the API's description.
pub(super) struct PageParameters<K>(PhantomData<K>);

impl PageQuery {
    /// Returns the selected page.
    pub(super) fn page<K: PageKey>(self) -> Result<Page<K>, Error> {
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT.into());
        let limit = within(limit, MAX_LIMIT).ok_or_else(malformed_limit)?;
        let parse = |cursor: String| K::parse(&cursor).ok_or_else(malformed_cursor);
        Ok(Page { after: self.cursor.map(parse).transpose()?, limit })
    }
}

impl<K: PageKey> IntoParams for PageParameters<K> {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let limit = ObjectBuilder::new()
            .schema_type(Type::Integer)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
            .default(Some(DEFAULT_LIMIT.into()))
            .minimum(Some(1))
            .maximum(Some(MAX_LIMIT));
        let cursor = ObjectBuilder::new().schema_type(Type::String).pattern(Some(K::PATTERN));
        vec![
            parameter("limit", "Largest number of entries.", limit),
            parameter("cursor", "`next` of the previous page; absent for the first page.", cursor),
        ]
    }
}

fn parameter(name: &str, meaning: &str, schema: ObjectBuilder) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .description(Some(meaning))
        .required(Required::False)
        .schema(Some(schema.build()))
        .build()
}

/// Returns the cursor of the page after `entries`; `None` if `entries` is the last page. `key`
/// returns the cursor of an entry.
pub(super) fn next_cursor<E>(
    limit: u16,
    entries: &[E],
    key: impl Fn(&E) -> String,
) -> Option<String> {
    entries.last().filter(|_| entries.len() == usize::from(limit)).map(key)
}

/// Returns the number of entries if from 1 to `maximum`.
pub(super) fn within(limit: i64, maximum: u16) -> Option<u16> {
    u16::try_from(limit).ok().filter(|limit| (1..=maximum).contains(limit))
}

fn malformed_cursor() -> Error {
    let detail = "the cursor does not come from a list; leave `cursor` out to begin at the start";
    Error::new(types::identity::MALFORMED_CURSOR, detail)
}

fn malformed_limit() -> Error {
    let detail = "a page has 1 to 100 entries; give a `limit` in this range";
    Error::new(types::identity::MALFORMED_LIMIT, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    impl PageKey for u8 {
        const PATTERN: &'static str = "^[0-9]{1,3}$";

        fn parse(cursor: &str) -> Option<Self> {
            cursor.parse().ok()
        }
    }

    fn page(cursor: Option<&str>, limit: Option<i64>) -> Result<Page<u8>, Error> {
        PageQuery { limit, cursor: cursor.map(str::to_owned) }.page()
    }

    fn code(page: Result<Page<u8>, Error>) -> &'static str {
        page.err().map_or("none", |error| error.class().code)
    }

    #[test]
    fn a_cursor_goes_on_after_the_last_entry() {
        let cursor = next_cursor(2, &[9_u8, 7], u8::to_string);
        assert_eq!(next_cursor(2, &[9_u8], u8::to_string), None);
        let page = page(cursor.as_deref(), None).unwrap();
        assert_eq!(page, Page { after: Some(7), limit: DEFAULT_LIMIT });
    }

    #[test]
    fn a_page_begins_after_its_cursor_and_has_1_to_100_entries() {
        let first = page(None, None).unwrap();
        assert_eq!((first.after, first.limit), (None, 50));
        let second = page(Some("7"), Some(100)).unwrap();
        assert_eq!((second.after, second.limit), (Some(7), 100));
        for limit in [0, -1, 101, i64::MAX] {
            assert_eq!(code(page(None, Some(limit))), "malformed-limit", "{limit}");
        }
        assert_eq!(code(page(Some("x"), None)), "malformed-cursor");
    }
}
