//! Search for a Java with a version sufficient for Kafka 4 and the registry.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Oldest sufficient version.
pub(crate) const OLDEST: u32 = 17;

/// Returns the `java` on the path if its version is sufficient, or else the newest under
/// `/usr/lib/jvm`.
pub(crate) fn find() -> Option<PathBuf> {
    let on_path = PathBuf::from("java");
    if version_of(&on_path).is_some_and(|version| version >= OLDEST) {
        return Some(on_path);
    }
    let installed = fs::read_dir("/usr/lib/jvm").ok()?;
    installed
        .filter_map(Result::ok)
        .map(|entry| entry.path().join("bin").join("java"))
        .filter_map(|java| version_of(&java).map(|version| (version, java)))
        .filter(|(version, _)| *version >= OLDEST)
        .max()
        .map(|(_, java)| java)
}

fn version_of(java: &Path) -> Option<u32> {
    let output = Command::new(java).arg("-version").output().ok()?;
    parse(&String::from_utf8_lossy(&output.stderr))
}

/// Parses the major version in the output of `java -version`: `openjdk version "17.0.15"
/// 2025-04-15`.
fn parse(text: &str) -> Option<u32> {
    let version = text.split('"').nth(1)?;
    version.split(['.', '-', '+']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read() {
        assert_eq!(parse("openjdk version \"17.0.15\" 2025-04-15\nOpenJDK"), Some(17));
        assert_eq!(parse("openjdk version \"21\" 2023-09-19"), Some(21));
        assert_eq!(parse("openjdk version \"25-ea\""), Some(25));
        assert_eq!(parse("java: not found"), None);
    }

    #[test]
    fn versions_before_nine_count_as_old() {
        assert!(parse("java version \"1.8.0_402\"").is_some_and(|version| version < OLDEST));
    }
}
