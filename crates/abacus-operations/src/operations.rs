//! The registry of operations, one line each. A line `gcd::Gcd,` declares the module
//! `operations/gcd.rs` and registers its type `Gcd`. Callers see the operations in this order.
//! `cargo fmt` does not look for modules inside a macro; format a new file with `rustfmt <file>`.

use crate::Operation;

macro_rules! registry {
    ($($(#[$attribute:meta])* $module:ident::$operation:ident,)+) => {
        $($(#[$attribute])* mod $module;)+

        static ALL: &[&dyn Operation] = &[$($(#[$attribute])* &$module::$operation),+];
    };
}

registry! {
    pow::Pow,
    fibonacci::Fibonacci,
    factorial::Factorial,
    #[cfg(feature = "test-operations")]
    stall::Stall,
    #[cfg(feature = "test-operations")]
    panic::Panic,
}

/// All operations.
pub fn all() -> &'static [&'static dyn Operation] {
    ALL
}

/// All operations that the service describes to callers.
pub fn documented() -> impl Iterator<Item = &'static dyn Operation> {
    all().iter().copied().filter(|operation| operation.is_documented())
}

/// Finds an operation by name.
///
/// ```
/// let pow = abacus_operations::find("pow").ok_or("no such operation")?;
/// assert_eq!(pow.operands().len(), 2);
/// assert!(abacus_operations::find("gamma").is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn find(name: &str) -> Option<&'static dyn Operation> {
    all().iter().copied().find(|operation| operation.name() == name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_plain_words() {
        let names: BTreeSet<&str> = all().iter().map(|operation| operation.name()).collect();
        assert_eq!(names.len(), all().len());
        for name in names {
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{name}");
            assert_eq!(find(name).map(Operation::name), Some(name));
        }
        assert!(find("Pow").is_none());
    }

    #[test]
    fn every_operation_explains_itself() {
        for operation in all() {
            assert!(!operation.summary().is_empty());
            assert!(!operation.operands().is_empty());
            assert!(operation.operands().iter().all(|operand| !operand.meaning.is_empty()));
        }
    }
}
