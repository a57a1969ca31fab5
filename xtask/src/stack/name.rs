//! Names of stacks.

use anyhow::{Result, bail};

/// Stack of `cargo xtask up`.
pub(crate) const DEV: &str = "dev";
/// Stack of `cargo xtask test`.
pub(crate) const TEST: &str = "test";
/// Stack of `cargo xtask bench`.
pub(crate) const BENCH: &str = "bench";

/// Folders of `.abacus` without a stack.
const RESERVED: [&str; 7] =
    ["client-programs", "dist", "fresh", "go-toolchain", "node-toolchain", "python", "tools"];

/// Checks a name of a stack. The name is also the name of the folder.
pub(super) fn check(name: &str) -> Result<()> {
    let is_plain = !name.is_empty()
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if !is_plain || RESERVED.contains(&name) {
        bail!(
            "`{name}` is not a valid name for a stack: use lower-case letters, digits and hyphens"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_would_leave_the_folder_is_refused() {
        assert!(check("dev-2").is_ok());
        for name in ["", "..", "a/b", "Dev", "dist", "fresh"] {
            assert!(check(name).is_err(), "{name}");
        }
    }
}
