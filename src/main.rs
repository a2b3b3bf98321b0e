//! The `ramen` binary. What it does is in the library of the same name, so that tests use it too.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ramen::cli::main()
}
