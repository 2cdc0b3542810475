//! The `devmatrix` binary: everything is in the library, so that tests can have it too.

use std::process::ExitCode;

/// First lists are large and short-lived; the system's allocator keeps what they took, once for each thread.
#[cfg(feature = "jemalloc")]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    server::cli::run()
}
