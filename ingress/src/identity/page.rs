//! Parts of long lists: a cursor is the key of the last entry of the part before, so that what is
//! added meanwhile moves nothing.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Error;

const DEFAULT_LIMIT: i64 = 50;
const LARGEST_LIMIT: i64 = 100;
const LONGEST_CURSOR: usize = 200;

/// Which part a caller asks for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// How many entries to give.
    #[param(value_type = Option<i64>, minimum = 1, maximum = 100, default = 50)]
    limit: Option<i64>,
    /// `next` of the part before; without it, the list from its start.
    #[param(max_length = 200)]
    cursor: Option<String>,
}

/// Which part to select.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page<K> {
    /// The key of the entry that the part comes after.
    pub(crate) after: Option<K>,
    pub(crate) limit: i64,
}

impl PageQuery {
    /// The page, by keys that are written as `K` is.
    pub(crate) fn read<K: std::str::FromStr>(&self) -> Result<Page<K>, Error> {
        let limit = self.limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=LARGEST_LIMIT).contains(&limit) {
            return Err(Error::MalformedLimit);
        }
        let after =
            self.cursor.as_deref().map(|cursor| decode(cursor).ok_or(Error::MalformedCursor));
        Ok(Page { after: after.transpose()?, limit })
    }
}

/// The cursor of the part after `entries`; `None` if that would be empty for sure.
pub(crate) fn next<E, K: ToString>(
    limit: i64,
    entries: &[E],
    key: impl Fn(&E) -> K,
) -> Option<String> {
    let is_full = i64::try_from(entries.len()).is_ok_and(|len| len == limit);
    let last = entries.last().filter(|_| is_full)?;
    Some(URL_SAFE_NO_PAD.encode(key(last).to_string()))
}

fn decode<K: std::str::FromStr>(cursor: &str) -> Option<K> {
    let is_short = cursor.len() <= LONGEST_CURSOR;
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok().filter(|_| is_short)?;
    // Postgres takes no text with a NUL.
    let text = String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))?;
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(limit: Option<i64>, cursor: Option<String>) -> PageQuery {
        PageQuery { limit, cursor }
    }

    #[test]
    fn a_cursor_goes_on_after_the_last_entry() {
        let cursor = next(2, &[9_i64, 7], |id| *id);
        assert_eq!(next(2, &[9_i64], |id| *id), None);
        let page = query(None, cursor).read::<i64>().unwrap();
        assert_eq!(page, Page { after: Some(7), limit: DEFAULT_LIMIT });
    }

    #[test]
    fn nonsense_is_refused() {
        for cursor in ["", "x", "AA", "bm90IGEgbnVtYmVy", &"AAAA".repeat(100)] {
            let page = query(None, Some(cursor.to_owned())).read::<i64>();
            assert!(matches!(page, Err(Error::MalformedCursor)), "{cursor}");
        }
        for limit in [0, -1, 101] {
            let page = query(Some(limit), None).read::<i64>();
            assert!(matches!(page, Err(Error::MalformedLimit)), "{limit}");
        }
    }
}
