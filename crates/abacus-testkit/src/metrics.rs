//! A reader of the Prometheus text format.

/// Sums all series of the counter or gauge `name` that have every label of `labels`. Returns `None`
/// without any such series.
pub(crate) fn sum(text: &str, name: &str, labels: &[(&str, &str)]) -> Option<u64> {
    let wanted: Vec<String> =
        labels.iter().map(|(label, value)| format!("{label}=\"{value}\"")).collect();
    let values: Vec<u64> = text
        .lines()
        .filter_map(|line| line.rsplit_once(' '))
        .filter(|(series, _)| series.split('{').next() == Some(name))
        .filter(|(series, _)| wanted.iter().all(|label| series.contains(label)))
        .map(|(_, value)| value.parse().expect("a whole number"))
        .collect();
    (!values.is_empty()).then(|| values.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_are_chosen_by_name_and_labels_and_added_up() {
        let text =
            "# HELP a x\n# TYPE a counter\na{b=\"1\",c=\"x\"} 2\na{b=\"2\",c=\"x\"} 3\nab 7\n";
        assert_eq!(sum(text, "a", &[]), Some(5));
        assert_eq!(sum(text, "a", &[("b", "2")]), Some(3));
        assert_eq!(sum(text, "ab", &[]), Some(7));
        assert_eq!(sum(text, "c", &[]), None);
    }
}
