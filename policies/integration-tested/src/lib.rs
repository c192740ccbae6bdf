//! `integration-tested`: the newest integration test report has every required suite, and no test failed.
//!
//! Parameters: `name`, the attestation (default `integration-tests`); `tests_min`, how many must pass (default 1);
//! `suites`, the suites that must be in it with at least one passed test each (default none).

use author::{Dossier, Finding, Junit, Policy};
use serde::Deserialize;

struct IntegrationTested;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    #[serde(default = "name")]
    name: String,
    #[serde(default)]
    suites: Vec<String>,
    #[serde(default = "tests_min")]
    tests_min: u64,
}

fn name() -> String {
    "integration-tests".into()
}

fn tests_min() -> u64 {
    1
}

impl Policy for IntegrationTested {
    const CONTROL: &str = "integration-tested";
    type Parameters = Parameters;

    fn judge(dossier: &Dossier, parameters: Parameters) -> Finding {
        let Some(attestation) = author::newest(dossier, "junit", &parameters.name) else {
            return Self::failed(format!("there is no test report `{}`", parameters.name), []);
        };
        let report = match Junit::passed(attestation, parameters.tests_min) {
            Ok(report) => report,
            Err(reason) => return Self::failed(reason, [attestation]),
        };
        let missing = |required: &&String| {
            !report
                .suites
                .iter()
                .any(|suite| suite.name == **required && suite.passed > 0)
        };
        match parameters.suites.iter().find(missing) {
            Some(missing) => {
                let missing: String = missing.chars().take(100).collect();
                Self::failed(
                    format!("no test of the suite `{missing}` ran"),
                    [attestation],
                )
            }
            None => Self::satisfied(
                format!("`{}`: {} tests passed", parameters.name, report.passed),
                [attestation],
            ),
        }
    }
}

author::policy!(IntegrationTested);
