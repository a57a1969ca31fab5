//! Text tables.

use std::iter;

/// The cells of one line.
pub(crate) type Cells = Vec<String>;

/// Renders columns as wide as their widest cell, aligned to the right.
pub(crate) fn aligned(titles: &[&str], rows: impl Iterator<Item = Cells>) -> String {
    let titles: Cells = titles.iter().map(|&title| title.to_owned()).collect();
    let lines: Vec<Cells> = iter::once(titles).chain(rows).collect();
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column| {
        lines.iter().filter_map(|line| line.get(column)).map(String::len).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    lines.iter().map(|line| padded(line, &widths)).collect()
}

fn padded(line: &Cells, widths: &[usize]) -> String {
    let cells: Cells =
        line.iter().zip(widths).map(|(cell, &width)| format!("{cell:>width$}")).collect();
    format!("{}\n", cells.join("  "))
}
