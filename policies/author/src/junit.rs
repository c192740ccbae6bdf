use serde::Deserialize;

use crate::{Attestation, Outcome, facts};

/// The facts of a test report, as far as a policy needs them.
#[derive(Deserialize)]
pub struct Junit {
    pub errors: u64,
    pub failed: u64,
    pub passed: u64,
    pub suites: Vec<Suite>,
    pub tests: u64,
}

/// One suite of a test report.
#[derive(Deserialize)]
pub struct Suite {
    pub errors: u64,
    pub failed: u64,
    pub name: String,
    pub passed: u64,
}

impl Junit {
    /// Reads a report and finds that enough tests passed and none failed; otherwise says why not.
    pub fn passed(attestation: &Attestation, tests_min: u64) -> Result<Self, String> {
        let report: Self = facts(attestation, "junit.v1")?;
        let name = &attestation.name;
        let broken = report.failed.saturating_add(report.errors);
        // Zero tests are no tests, whatever the parameter says.
        let tests_min = tests_min.max(1);
        if broken > 0 {
            Err(format!(
                "`{name}`: {broken} of {} tests failed",
                report.tests
            ))
        } else if attestation.outcome != Outcome::Passed {
            Err(format!("`{name}` is not reported as passed"))
        } else if report.passed < tests_min {
            Err(format!(
                "`{name}`: {} tests passed, at least {tests_min} must",
                report.passed
            ))
        } else {
            Ok(report)
        }
    }
}
