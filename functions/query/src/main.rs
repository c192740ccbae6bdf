//! Answers everything that is asked and not recorded, and says how it is.

use std::process::ExitCode;

fn main() -> ExitCode {
    home::answer("query", api::query::router)
}
