//! Rebuilds the crate after a new migration file, which the embedding macro does not notice.

fn main() {
    println!("cargo::rerun-if-changed=sql");
}
