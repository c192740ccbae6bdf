//! OPA is the oracle: what our sandbox makes of generated policies is what OPA makes of them.
//!
//! `TRAILMARK_TEST_OPA` names the program; without it these tests say that they were left out, and fail where
//! `TRAILMARK_TEST_GO` is `required`.

mod documented;
mod generate;
mod tokens;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use generate::Case;
use policy::{Denial, DossierInput, Limits, Outcome, PolicySource};
use serde_json::{Value, json};

/// So many cases are one policy: images are what takes the time, not evaluations.
const CASES_IN_A_POLICY: usize = 200;
const QUANTIFIERS_IN_A_POLICY: usize = 40;

/// How often each built-in is called, and how many rules are written.
const CALLS: usize = 4;
const RULES: usize = 400;

/// Finds OPA, or says that the test is left out.
fn opa(test: &str) -> Option<PathBuf> {
    let program = std::env::var_os("TRAILMARK_TEST_OPA").map(PathBuf::from);
    if program.is_none() {
        assert!(
            std::env::var("TRAILMARK_TEST_GO").as_deref() != Ok("required"),
            "TRAILMARK_TEST_OPA is not set"
        );
        #[expect(clippy::print_stderr, reason = "what is left out is said")]
        {
            eprintln!("{test} was left out: TRAILMARK_TEST_OPA is not set");
        }
    }
    program
}

/// Evaluates a query in OPA; `None` where it has no value.
fn ask(opa: &PathBuf, policy: &str, input: &str, query: &str) -> Option<Value> {
    let answer = answer(opa, policy, input, query);
    assert!(answer.get("errors").is_none(), "OPA: {answer:#}");
    answer.pointer("/result/0/expressions/0/value").cloned()
}

/// Asks OPA, and gives all of its answer.
fn answer(opa: &PathBuf, policy: &str, input: &str, query: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let (policy_path, input_path) = (
        folder.path().join("policy.rego"),
        folder.path().join("input.json"),
    );
    std::fs::write(&policy_path, policy).unwrap();
    std::fs::write(&input_path, input).unwrap();
    let output = Command::new(opa)
        .args(["eval", "--format", "json", "--data"])
        .arg(&policy_path)
        .arg("--input")
        .arg(&input_path)
        .arg(query)
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

fn input() -> DossierInput {
    crate::support::dossier(json!({
        "attestations": [
            attestation(1, "junit", "passed", false, &json!({"failed": 0, "tests": ["a", "b"]})),
            attestation(2, "junit", "failed", true, &json!({"failed": 2, "tests": []})),
            attestation(3, "x", "neutral", false, &json!({"n": 1})),
        ],
        "required": [{"name": "u", "subject": "artifact", "type": "junit"}],
    }))
}

fn attestation(entry: u64, kind: &str, outcome: &str, foreign: bool, facts: &Value) -> Value {
    json!({
        "entry": crate::support::entry(entry),
        "facts": facts,
        "flow": "pay",
        "foreign": foreign,
        "name": format!("n{entry}"),
        "outcome": outcome,
        "recorded_ms": entry * 1000,
        "schema": "test.v1",
        "subject": "artifact",
        "type": kind,
    })
}

/// Gives what our sandbox finds: reasons by control.
fn ours(policy: &str, input: &DossierInput) -> BTreeMap<String, String> {
    let policy = crate::support::sandbox()
        .prepare(&PolicySource::Rego(policy.into()))
        .unwrap_or_else(|error| panic!("{error}"));
    match policy.evaluate(input, "{}", &Limits::default()).outcome {
        Outcome::Verdict(verdict) => verdict
            .findings
            .into_iter()
            .map(|finding| (finding.control.to_string(), finding.reason))
            .collect(),
        other => panic!("{other:?}"),
    }
}

/// Reads a value as both have it: numbers by what they are, not by how they are written; errors of schemas in any order
/// and words.
fn value(text: &str) -> Value {
    let mut value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    numbers(&mut value);
    if let Some([Value::Bool(false), errors]) = value.as_array_mut().map(Vec::as_mut_slice) {
        match errors {
            Value::String(words) if words.starts_with("jsonschema: ") => {
                *words = "jsonschema".into()
            }
            Value::Array(errors) => errors.sort_by_key(Value::to_string),
            _ => {}
        }
    }
    value
}

fn numbers(value: &mut Value) {
    match value {
        Value::Number(number) => *value = number.as_f64().into(),
        Value::Array(items) => items.iter_mut().for_each(numbers),
        Value::Object(fields) => fields.values_mut().for_each(numbers),
        _ => {}
    }
}

/// Compares all cases and lists those in which the two differ.
fn compare(opa: &PathBuf, cases: &[Case]) -> Vec<String> {
    let input = input();
    let with_parameters = {
        let mut value: Value = serde_json::from_str(input.canonical()).unwrap();
        value["parameters"] = json!({});
        value.to_string()
    };
    let mut differences = Vec::new();
    for cases in cases.chunks(CASES_IN_A_POLICY) {
        let policy = generate::policy(cases);
        let ours = ours(&policy, &input);
        let theirs = ask(opa, &policy, &with_parameters, "data.diff.findings").unwrap();
        let theirs: BTreeMap<&str, &str> = theirs
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| {
                (
                    finding["control"].as_str().unwrap(),
                    finding["reason"].as_str().unwrap(),
                )
            })
            .collect();
        assert!(theirs.len() * 2 > cases.len(), "most cases have a value");
        for case in cases {
            let (ours, theirs) = (
                ours.get(&case.name).map(String::as_str),
                theirs.get(case.name.as_str()).copied(),
            );
            if ours.map(value) != theirs.map(value) {
                differences.push(format!("{}  OPA: {theirs:?}\n  here: {ours:?}", case.text));
            }
        }
    }
    differences
}

#[test]
fn built_ins_give_what_they_give_in_opa() {
    let Some(opa) = opa("the comparison of built-ins") else {
        return;
    };
    let differences = compare(&opa, &generate::calls(20_261_123, CALLS));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn rules_mean_what_they_mean_in_opa() {
    let Some(opa) = opa("the comparison of rules") else {
        return;
    };
    let differences = compare(&opa, &generate::rules(99, RULES));
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn every_means_what_it_means_in_opa() {
    let Some(opa) = opa("the comparison of quantifiers") else {
        return;
    };
    let cases = generate::quantifiers();
    let differences: Vec<String> = cases
        .chunks(QUANTIFIERS_IN_A_POLICY)
        .flat_map(|cases| compare(&opa, cases))
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn what_is_of_different_types_stands_in_the_order_of_opa() {
    let Some(opa) = opa("the comparison of comparisons") else {
        return;
    };
    let differences = compare(&opa, &generate::comparisons());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn a_walk_finds_what_it_finds_in_opa() {
    let Some(opa) = opa("the comparison of walks") else {
        return;
    };
    let cases = generate::walks();
    let differences: Vec<String> = cases
        .chunks(QUANTIFIERS_IN_A_POLICY)
        .flat_map(|cases| compare(&opa, cases))
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn two_values_for_one_thing_are_the_end_of_an_evaluation() {
    let opa = opa("the comparison of two values");
    let input = input();
    for &(rules, two) in generate::TWO_VALUES {
        let source = format!(
            "package diff\n\nallow if not r\n\nallow if r\n\nfindings := [{{\"control\": \"c\", \"status\": \"satisfied\", \"reason\": \"r\", \"entries\": []}}]\n\n{rules}\n"
        );
        let policy = crate::support::sandbox()
            .prepare(&PolicySource::Rego(source.clone().into()))
            .unwrap_or_else(|error| panic!("{rules}: {error}"));
        let outcome = policy.evaluate(&input, "{}", &Limits::default()).outcome;
        match outcome {
            Outcome::Denied(Denial::RuleFailed) => assert!(two, "{rules}"),
            Outcome::Verdict(verdict) => assert!(!two && verdict.allow, "{rules}"),
            other => panic!("{rules}: {other:?}"),
        }
        if let Some(opa) = &opa {
            let answer = answer(opa, &source, input.canonical(), "data.diff.allow");
            assert_eq!(answer.get("errors").is_some(), two, "{rules}: {answer:#}");
        }
    }
}
