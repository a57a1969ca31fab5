//! Numbers and callers' texts in messages: short, readable, on one line.

/// Longest text that is quoted whole. A message never repeats a million digits.
const LONGEST_QUOTE: usize = 40;
const KEPT_HEAD: usize = 16;
const KEPT_TAIL: usize = 6;

/// Quotes a caller's text in backquotes, cut if long.
pub(crate) fn quote(text: &str) -> String {
    if text.is_empty() {
        return "an empty text".to_owned();
    }
    match text.chars().count() {
        length if length > LONGEST_QUOTE => {
            format!("`{}` ({} characters)", cut(text), grouped(&length.to_string()))
        }
        _ => format!("`{}`", cut(text)),
    }
}

/// Makes a caller's text safe to print: escapes control characters and omits the middle of long
/// texts.
pub(crate) fn cut(text: &str) -> String {
    let length = text.chars().count();
    if length <= LONGEST_QUOTE {
        return text.escape_debug().to_string();
    }
    let head: String = text.chars().take(KEPT_HEAD).collect();
    let tail: String = text.chars().skip(length - KEPT_TAIL).collect();
    format!("{}…{}", head.escape_debug(), tail.escape_debug())
}

/// Writes a count of any size: `1,000,000`, `3.01e30`, `more than 1e308`.
pub(crate) fn count(number: f64) -> String {
    if number < 1e15 {
        grouped(&format!("{number:.0}"))
    } else if number < f64::MAX {
        format!("{number:.2e}")
    } else {
        "more than 1e308".to_owned()
    }
}

/// Writes `name`, `name and name`, or `name, name and name`.
pub(crate) fn list(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((only, _)) => only.clone(),
        None => "nothing".to_owned(),
    }
}

/// Inserts a comma before every group of three digits.
fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_are_quoted_whole_and_long_ones_are_cut() {
        assert_eq!(quote("12"), "`12`");
        assert_eq!(quote("a\nb"), "`a\\nb`");
        assert_eq!(quote(""), "an empty text");
        let text = quote(&"7".repeat(1_000_000));
        assert_eq!(text, "`7777777777777777…777777` (1,000,000 characters)");
    }

    #[test]
    fn counts_of_any_size_are_readable() {
        assert_eq!(count(7.0), "7");
        assert_eq!(count(1_000_000.0), "1,000,000");
        assert_eq!(count(2.956_570_551_809_675e31), "2.96e31");
        assert_eq!(count(f64::MAX), "more than 1e308");
    }

    #[test]
    fn lists_read_as_a_person_writes_them() {
        assert_eq!(list(&[]), "nothing");
        assert_eq!(list(&["n"]), "`n`");
        assert_eq!(list(&["a", "b", "c"]), "`a`, `b` and `c`");
    }
}
