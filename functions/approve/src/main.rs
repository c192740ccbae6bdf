//! Records approvals, requests for them and withdrawals.

use std::process::ExitCode;

fn main() -> ExitCode {
    home::answer("approve", api::approve::router)
}
