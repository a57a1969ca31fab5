//! A new migration is a new file, which the macro that embeds them does not see by itself.

fn main() {
    println!("cargo::rerun-if-changed=sql");
}
