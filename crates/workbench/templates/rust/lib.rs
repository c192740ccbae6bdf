//! `unit-tested`: the newest unit test report has enough tests, and none failed.
//!
//! Parameters: `name`, the attestation (default `unit-tests`); `tests_min`, how many must pass (default 1).

use serde::Deserialize;
use trailmark::policy::types::{Attestation, Finding, Outcome, Status};

wit_bindgen::generate!({ path: "wit", world: "policy" });

const CONTROL: &str = "unit-tested";

/// An unknown parameter is refused, so that a misspelt one cannot weaken the policy.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    #[serde(default = "name")]
    name: String,
    #[serde(default)]
    tests_min: u64,
}

fn name() -> String {
    "unit-tests".into()
}

/// The facts of a test report, as far as they are needed.
#[derive(Deserialize)]
struct Junit {
    errors: u64,
    failed: u64,
    passed: u64,
    tests: u64,
}

struct Policy;

export!(Policy);

/// What the host calls, in a fresh instance each time; everything is as `wit/policy.wit` has it.
impl Guest for Policy {
    fn evaluate(dossier: Dossier, parameters: String) -> Verdict {
        let finding = match serde_json::from_str(&parameters) {
            Ok(parameters) => judge(&dossier, &parameters),
            Err(_) => failed("the parameters are not as documented", None),
        };
        Verdict {
            allow: finding.status == Status::Satisfied,
            findings: vec![finding],
        }
    }
}

fn judge(dossier: &Dossier, parameters: &Parameters) -> Finding {
    let name = &parameters.name;
    let Some(report) = newest(dossier, "junit", name) else {
        return failed(format!("there is no test report `{name}`"), None);
    };
    match passed(report, parameters) {
        Ok(passed) => finding(
            Status::Satisfied,
            format!("`{name}`: {passed} tests passed"),
            Some(report),
        ),
        Err(reason) => failed(reason, Some(report)),
    }
}

/// Counts the passed tests of a good report; otherwise says what is bad about it.
fn passed(report: &Attestation, parameters: &Parameters) -> Result<u64, String> {
    let name = &parameters.name;
    let schema = &report.schema;
    if schema != "junit.v1" {
        return Err(format!("`{name}` has facts of the unknown schema `{schema}`"));
    }
    let Ok(facts) = serde_json::from_str::<Junit>(&report.facts) else {
        return Err(format!("`{name}` has facts that are not `junit.v1`"));
    };
    // Zero tests are no tests, whatever the parameter says.
    let tests_min = parameters.tests_min.max(1);
    let broken = facts.failed + facts.errors;
    if broken > 0 {
        Err(format!("`{name}`: {broken} of {} tests failed", facts.tests))
    } else if report.outcome != Outcome::Passed {
        Err(format!("`{name}` is not reported as passed"))
    } else if facts.passed < tests_min {
        Err(format!(
            "`{name}`: {} tests passed, at least {tests_min} must",
            facts.passed
        ))
    } else {
        Ok(facts.passed)
    }
}

/// A re-run replaces the run before, for better or worse; of two at one time the later in the list counts.
/// Evidence from another flow is none.
fn newest<'a>(dossier: &'a Dossier, type_: &str, name: &str) -> Option<&'a Attestation> {
    let evidence = dossier.attestations.iter();
    evidence
        .filter(|evidence| evidence.type_ == type_ && evidence.name == name && !evidence.foreign)
        .max_by_key(|evidence| evidence.recorded_ms)
}

fn failed(reason: impl Into<String>, evidence: Option<&Attestation>) -> Finding {
    finding(Status::Failed, reason.into(), evidence)
}

fn finding(status: Status, reason: String, evidence: Option<&Attestation>) -> Finding {
    Finding {
        control: CONTROL.into(),
        status,
        reason,
        entries: evidence.map(|evidence| evidence.entry.clone()).into_iter().collect(),
    }
}
