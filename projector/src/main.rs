//! The `abacus-projector` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    abacus_runtime::run("abacus-projector", env!("CARGO_PKG_VERSION"), abacus_projector::start)
}
