//! The program of the ingress.

use std::process::ExitCode;

fn main() -> ExitCode {
    abacus_runtime::run("abacus-ingress", env!("CARGO_PKG_VERSION"), abacus_ingress::start)
}
