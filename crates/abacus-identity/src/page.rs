//! Pages of long lists. The cursor of a page is the key of the last entry before the page: new entries do not move
//! later pages.

/// Default and largest number of entries in a page.
const DEFAULT_LIMIT: i64 = 50;
const LARGEST_LIMIT: i64 = 100;

/// A page of a list.
#[derive(Debug, PartialEq, Eq)]
pub struct Page<K> {
    /// Key of the last entry before the page.
    pub after: Option<K>,
    /// Largest number of entries.
    pub limit: i64,
}

impl<K> Page<K> {
    /// The page after an entry; `None` if `limit` is out of range. The default limit is 50, the largest 100.
    pub fn new(after: Option<K>, limit: Option<i64>) -> Option<Self> {
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        (1..=LARGEST_LIMIT).contains(&limit).then_some(Self { after, limit })
    }
}

/// Returns the cursor of the page after `entries`; `None` on the last page.
pub fn next_cursor<E, K: ToString>(
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

    fn read(limit: Option<i64>, cursor: Option<&str>) -> Option<Page<i64>> {
        Page::new(cursor.map(|cursor| cursor.parse().unwrap()), limit)
    }

    #[test]
    fn a_cursor_goes_on_after_the_last_entry() {
        let cursor = next_cursor(2, &[9_i64, 7], |id| *id);
        assert_eq!(next_cursor(2, &[9_i64], |id| *id), None);
        let page = read(None, cursor.as_deref()).unwrap();
        assert_eq!(page, Page { after: Some(7), limit: DEFAULT_LIMIT });
    }

    #[test]
    fn nonsense_is_refused() {
        for limit in [0, -1, 101] {
            assert!(read(Some(limit), None).is_none(), "{limit}");
        }
    }
}
