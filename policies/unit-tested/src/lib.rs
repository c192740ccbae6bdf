//! `unit-tested`: the newest unit test report has enough tests, and none failed. The same policy as `policy.rego`.
//!
//! Parameters: `name`, the attestation (default `unit-tests`); `tests_min`, how many must pass (default 1).

use author::{Dossier, Finding, Junit, Policy};
use serde::Deserialize;

struct UnitTested;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    #[serde(default = "name")]
    name: String,
    #[serde(default = "tests_min")]
    tests_min: u64,
}

fn name() -> String {
    "unit-tests".into()
}

fn tests_min() -> u64 {
    1
}

impl Policy for UnitTested {
    const CONTROL: &str = "unit-tested";
    type Parameters = Parameters;

    fn judge(dossier: &Dossier, parameters: Parameters) -> Finding {
        let Some(attestation) = author::newest(dossier, "junit", &parameters.name) else {
            return Self::failed(format!("there is no test report `{}`", parameters.name), []);
        };
        match Junit::passed(attestation, parameters.tests_min) {
            Ok(report) => Self::satisfied(
                format!("`{}`: {} tests passed", parameters.name, report.passed),
                [attestation],
            ),
            Err(reason) => Self::failed(reason, [attestation]),
        }
    }
}

author::policy!(UnitTested);
