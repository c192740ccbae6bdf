//! Records what runs in an environment.

use std::process::ExitCode;

fn main() -> ExitCode {
    home::answer("snapshot", api::snapshot::router)
}
