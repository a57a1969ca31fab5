//! Repeated headers: a record may have several headers of a name, and the last one counts.

/// Returns the value of the last header named `name`. A last header without a value counts as
/// missing.
pub fn last<'a>(
    headers: impl Iterator<Item = (&'a str, Option<&'a [u8]>)>,
    name: &str,
) -> Option<&'a [u8]> {
    headers.filter(|(found, _)| *found == name).last().and_then(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_repeated_headers_counts() {
        let headers = [("a", Some(&b"1"[..])), ("b", Some(b"2")), ("a", Some(b"3")), ("c", None)];
        let last = |name| last(headers.into_iter(), name);
        assert_eq!(
            (last("a"), last("b"), last("c"), last("d")),
            (Some(&b"3"[..]), Some(&b"2"[..]), None, None)
        );
    }
}
