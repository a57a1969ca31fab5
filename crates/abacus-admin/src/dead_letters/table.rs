//! Tables for a terminal.

/// Returns rows below a heading. Each column is as wide as its longest cell; the last column is
/// not padded.
pub(super) fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = heading.map(|cell| cell.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let heading = heading.map(str::to_owned);
    std::iter::once(&heading).chain(rows).map(|row| line(row, &widths)).collect()
}

fn line(row: &[String], widths: &[usize]) -> String {
    let cells: Vec<String> =
        row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
    format!("{}\n", cells.join("  ").trim_end())
}

/// Returns `text` on one line, with at most `longest` characters. Control characters of a sender
/// become spaces and do not reach the terminal.
pub(super) fn shortened(text: &str, longest: usize) -> String {
    let shown = |character: char| if character.is_control() { ' ' } else { character };
    let mut short: String = text.chars().map(shown).take(longest).collect();
    if text.chars().nth(longest).is_some() {
        short.pop();
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_their_heading() {
        let rows = [["0:1".into(), "x".into()], ["10:23".into(), String::new()]];
        assert_eq!(table(["LETTER", "WHY"], &rows), "LETTER  WHY\n0:1     x\n10:23\n");
    }

    #[test]
    fn a_long_text_ends_in_an_ellipsis_and_holds_nothing_for_the_terminal() {
        assert_eq!(shortened("a\u{1b}[31m\nb", 20), "a [31m b");
        assert_eq!(shortened("four", 4), "four");
        assert_eq!(shortened("fives", 4), "fiv…");
    }
}
