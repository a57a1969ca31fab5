//! Common syntax of header fields (RFC 9110, section 5.6; RFC 8941).

use axum::http::{HeaderMap, HeaderName};

/// Joins all values of a field to a list; `None` without the field. Bytes beyond UTF-8 become the
/// replacement character, which no valid member contains.
pub(crate) fn list(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let values = headers.get_all(name);
    let texts: Vec<_> =
        values.iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    (!texts.is_empty()).then(|| texts.join(","))
}

/// Splits `text` at each `separator` outside of quoted strings.
pub fn split_unquoted(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(move |letter| {
        if is_escaped {
            is_escaped = false;
        } else if is_quoted && letter == '\\' {
            is_escaped = true;
        } else if letter == '"' {
            is_quoted = !is_quoted;
        }
        !is_quoted && letter == separator
    })
}

/// Returns the value of a token or a quoted string.
pub(crate) fn unquote(word: &str) -> String {
    let Some(inner) = word.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return word.to_owned();
    };
    let mut is_escaped = false;
    let keep = |letter: &char| {
        is_escaped = *letter == '\\' && !is_escaped;
        !is_escaped
    };
    inner.chars().filter(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_in_quotes_separate_nothing() {
        let parts: Vec<&str> = split_unquoted(r#"a="1,2", b="x\",y",c"#, ',').collect();
        assert_eq!(parts, [r#"a="1,2""#, r#" b="x\",y""#, "c"]);
    }

    #[test]
    fn quotes_and_escapes_are_taken_away() {
        for (word, said) in
            [("a", "a"), ("\"a b\"", "a b"), (r#""a\"b\\""#, r#"a"b\"#), ("\"", "\"")]
        {
            assert_eq!(unquote(word), said);
        }
    }
}
