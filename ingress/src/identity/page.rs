//! Parts of long lists: a cursor is the key of the last entry of the part before, so that what is
//! added meanwhile moves nothing.

use super::Error;

const DEFAULT_LIMIT: i64 = 50;
const LARGEST_LIMIT: i64 = 100;

/// Which part to select.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page<K> {
    /// The key of the entry that the part comes after.
    pub(crate) after: Option<K>,
    pub(crate) limit: i64,
}

impl<K> Page<K> {
    /// The part that a caller asks for; `key` reads a cursor.
    pub(crate) fn read(
        limit: Option<i64>,
        cursor: Option<&str>,
        key: impl Fn(&str) -> Option<K>,
    ) -> Result<Self, Error> {
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=LARGEST_LIMIT).contains(&limit) {
            return Err(Error::MalformedLimit);
        }
        let after = cursor.map(|cursor| key(cursor).ok_or(Error::MalformedCursor)).transpose()?;
        Ok(Self { after, limit })
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
    Some(key(last).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(limit: Option<i64>, cursor: Option<&str>) -> Result<Page<i64>, Error> {
        Page::read(limit, cursor, |cursor| cursor.parse().ok())
    }

    #[test]
    fn a_cursor_goes_on_after_the_last_entry() {
        let cursor = next(2, &[9_i64, 7], |id| *id);
        assert_eq!(next(2, &[9_i64], |id| *id), None);
        let page = read(None, cursor.as_deref()).unwrap();
        assert_eq!(page, Page { after: Some(7), limit: DEFAULT_LIMIT });
    }

    #[test]
    fn nonsense_is_refused() {
        assert!(matches!(read(None, Some("x")), Err(Error::MalformedCursor)));
        for limit in [0, -1, 101] {
            assert!(matches!(read(Some(limit), None), Err(Error::MalformedLimit)), "{limit}");
        }
    }
}
