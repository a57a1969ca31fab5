use std::fs;

use super::*;

/// A crate in a temporary folder, removed at the end.
struct Sources(PathBuf);

impl Sources {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let folder =
            std::env::temp_dir().join(format!("abacus-modules-{}-{name}", std::process::id()));
        for (path, text) in files {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    fn circles(&self) -> Vec<String> {
        let krate = tree::Crate::read(&self.0.join("lib.rs")).unwrap();
        let circles = circles::find(&krate, &resolve::imports(&krate));
        circles.iter().map(|circle| circle.describe(&self.0)).collect()
    }
}

impl Drop for Sources {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_circle_is_found_through_a_re_export_and_named() {
    let sources = Sources::new(
        "circle",
        &[
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "mod inner; pub use inner::A; pub fn f() { crate::b::g(); }"),
            ("a/inner.rs", "pub struct A(super::super::b::B);"),
            ("b.rs", "use crate::a::A; pub struct B; pub fn g() -> A { todo!() }"),
        ],
    );
    let circles = sources.circles();
    assert_eq!(circles.len(), 1, "{circles:?}");
    assert!(circles[0].starts_with("2 files import each other:\n"), "{}", circles[0]);
    assert!(circles[0].contains("b.rs -> a/inner.rs: A"), "{}", circles[0]);
    assert!(circles[0].contains("a/inner.rs -> b.rs: B"), "{}", circles[0]);
}

#[test]
fn a_child_that_uses_what_its_re_exporting_parent_defines_is_a_circle() {
    let sources = Sources::new(
        "parent",
        &[
            ("lib.rs", "mod a;"),
            ("a.rs", "mod child; pub use child::C; pub struct P;"),
            ("a/child.rs", "use super::P; pub struct C(P);"),
        ],
    );
    assert_eq!(sources.circles().len(), 1);
}

#[test]
fn layers_tests_and_bare_modules_are_no_circle() {
    let sources = Sources::new(
        "layers",
        &[
            ("lib.rs", "mod a; mod b; pub use a::A;"),
            ("a.rs", "use crate::b::B; pub struct A(B); #[cfg(test)] mod tests { use crate::b; }"),
            ("b.rs", "pub struct B; #[cfg(test)] use crate::a::A;"),
        ],
    );
    assert_eq!(sources.circles(), Vec::<String>::new());
}
