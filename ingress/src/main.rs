//! The program of the ingress.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// Also serves librdkafka. glibc's allocator keeps much more memory, because records are allocated on one
/// thread and freed on another.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    abacus_runtime::run("abacus-ingress", env!("CARGO_PKG_VERSION"), abacus_ingress::start)
}
