//! The cases of every seed policy, run through the real sandbox.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{dossier, entry};
use policy::{Limits, Outcome, PolicyForm, Status, Verdict, stock};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    case: String,
    #[serde(default = "no_parameters")]
    parameters: Value,
    #[serde(default)]
    now_ms: Option<u64>,
    #[serde(default)]
    attestations: Vec<BTreeMap<String, Value>>,
    #[serde(default)]
    approvals: Vec<BTreeMap<String, Value>>,
    #[serde(default)]
    change: Option<Value>,
    expect: Expected,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    allow: bool,
    status: Status,
    reason: String,
    entries: Vec<u64>,
}

fn no_parameters() -> Value {
    json!({})
}

impl Case {
    /// The dossier, with what the case leaves out filled in.
    fn dossier(&self) -> policy::DossierInput {
        let attestations: Vec<Value> = self
            .attestations
            .iter()
            .map(|given| {
                let mut attestation =
                    json!({ "flow": "pay", "foreign": false, "subject": "artifact", "recorded_ms": number(given) * 1000 });
                fill(&mut attestation, given);
                attestation
            })
            .collect();
        let approvals: Vec<Value> = self
            .approvals
            .iter()
            .map(|given| {
                let mut approval =
                    json!({ "expires_ms": 2_000_000, "recorded_ms": number(given) * 1000 });
                fill(&mut approval, given);
                approval
            })
            .collect();
        dossier(json!({
            "attestations": attestations,
            "approvals": approvals,
            "now_ms": self.now_ms.unwrap_or(1_000_000),
            "change": self.change.clone().unwrap_or_else(|| json!({ "commits": [], "complete": true })),
        }))
    }
}

fn number(given: &BTreeMap<String, Value>) -> u64 {
    given["entry"].as_u64().unwrap()
}

fn fill(value: &mut Value, given: &BTreeMap<String, Value>) {
    for (key, field) in given {
        value[key] = field.clone();
    }
    value["entry"] = entry(number(given)).into();
}

fn policies() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies")
}

fn cases(control: &str) -> Vec<Case> {
    let path = policies().join(control).join("cases.yaml");
    let text = fs::read_to_string(&path).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_case_of_every_seed_policy_comes_out_as_it_says() {
    let sandbox = crate::support::sandbox();
    let mut wrong = Vec::new();
    for seed in stock::seeds() {
        let policy = sandbox
            .prepare(&seed.source())
            .unwrap_or_else(|error| panic!("{}: {error}", seed.control));
        for case in cases(seed.control) {
            let parameters = model::canonical::to_vec(&case.parameters).unwrap();
            let parameters = String::from_utf8(parameters).unwrap();
            let evaluation = policy.evaluate(&case.dossier(), &parameters, &Limits::default());
            let expected = json!({ "verdict": {
                "allow": case.expect.allow,
                "findings": [{
                    "control": seed.control,
                    "entries": case.expect.entries.iter().copied().map(entry).collect::<Vec<_>>(),
                    "reason": case.expect.reason,
                    "status": case.expect.status,
                }],
            }});
            let outcome = serde_json::to_value(&evaluation.outcome).unwrap();
            if outcome != expected {
                wrong.push(format!(
                    "{} ({:?}), {}:\n  {outcome}\n  {expected}",
                    seed.control, seed.form, case.case
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_policy_in_both_forms_gives_the_same_verdict_on_every_case() {
    let sandbox = crate::support::sandbox();
    let verdict = |control: &str, form: PolicyForm, case: &Case| -> Verdict {
        let policy = sandbox
            .prepare(&stock::seed(control, form).unwrap().source())
            .unwrap();
        let parameters = model::canonical::to_vec(&case.parameters).unwrap();
        let evaluation = policy.evaluate(
            &case.dossier(),
            &String::from_utf8(parameters).unwrap(),
            &Limits::default(),
        );
        match evaluation.outcome {
            Outcome::Verdict(verdict) => verdict,
            other => panic!("{}: {other:?}", case.case),
        }
    };
    let in_both: Vec<&str> = stock::seeds()
        .iter()
        .filter(|seed| {
            seed.form == PolicyForm::Rego
                && stock::seed(seed.control, PolicyForm::Component).is_some()
        })
        .map(|seed| seed.control)
        .collect();
    assert!(!in_both.is_empty(), "no seed policy comes in both forms");
    for control in in_both {
        for case in cases(control) {
            assert_eq!(
                verdict(control, PolicyForm::Rego, &case),
                verdict(control, PolicyForm::Component, &case),
                "{control}, {}",
                case.case
            );
        }
    }
}

#[test]
fn every_policy_has_cases_of_both_ends_and_is_embedded() {
    let embedded: Vec<&str> = stock::seeds().iter().map(|seed| seed.control).collect();
    for folder in fs::read_dir(policies()).unwrap() {
        let folder = folder.unwrap().path();
        let is_policy = folder.join("policy.rego").is_file()
            || (folder.join("Cargo.toml").is_file()
                && !["author", "engine", "heap"]
                    .map(Path::new)
                    .iter()
                    .any(|part| folder.ends_with(part)));
        if is_policy {
            let control = folder.file_name().unwrap().to_str().unwrap();
            let cases = cases(control);
            assert!(
                cases.iter().any(|case| case.expect.allow),
                "`{control}` has no case that allows"
            );
            assert!(
                cases.iter().any(|case| !case.expect.allow),
                "`{control}` has no case that denies"
            );
            assert!(embedded.contains(&control), "`{control}` is not embedded");
        }
    }
}

#[test]
fn the_example_of_the_readme_is_a_policy() {
    let text = fs::read_to_string(policies().join("README.md")).unwrap();
    let (_, rest) = text.split_once("```rego\n").unwrap();
    let (source, _) = rest.split_once("```").unwrap();
    let policy = crate::support::sandbox()
        .prepare(&policy::PolicySource::Rego(source.into()))
        .unwrap();
    let signature = json!({
        "entry": entry(1), "facts": {}, "flow": "pay", "foreign": false, "name": "release", "outcome": "passed",
        "recorded_ms": 1, "schema": "generic.v1", "subject": "artifact", "type": "signature",
    });
    let signed = dossier(json!({ "attestations": [signature] }));
    assert!(policy.evaluate(&signed, "{}", &Limits::default()).allows());
    assert!(
        !policy
            .evaluate(&dossier(json!({})), "{}", &Limits::default())
            .allows()
    );
}
