//! The `abacus-processor` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    abacus_kafka::failpoint::set_up();
    abacus_runtime::run("abacus-processor", env!("CARGO_PKG_VERSION"), abacus_processor::start)
}
