//! Records events and definitions; compiles policies as they are published.

use std::process::ExitCode;

fn main() -> ExitCode {
    home::answer("ingest", api::ingest::router)
}
