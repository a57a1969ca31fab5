//! The `abacus-processor` program.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Also serves librdkafka. glibc's allocator keeps much more memory, because records are allocated on one
/// thread and freed on another.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    abacus_kafka::failpoint::set_up();
    abacus_runtime::run("abacus-processor", env!("CARGO_PKG_VERSION"), abacus_processor::start)
}
