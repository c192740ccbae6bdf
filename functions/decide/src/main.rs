//! Runs the policies in force and records the decision.

use std::process::ExitCode;

fn main() -> ExitCode {
    home::answer("decide", api::decide::router)
}
