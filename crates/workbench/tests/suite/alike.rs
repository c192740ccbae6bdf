//! What the interpreter makes of generated rules is what the sandbox makes of them, which is what OPA makes of them.

#[expect(dead_code, reason = "the comparison with OPA needs more of it")]
#[expect(
    clippy::indexing_slicing,
    reason = "a test stops at the first surprise"
)]
#[path = "../../../policy/tests/suite/opa/generate.rs"]
mod generate;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use generate::Case;
use policy::{Denial, Finding, Outcome};
use workbench::native::{self, Heard};
use workbench::{CaseResult, Folder, Native};

use crate::support::{folder, results};

const CASES: &str = r#"- case: three attestations
  attestations:
    - {entry: 1, type: junit, outcome: passed, facts: {failed: 0, tests: [a, b]}}
    - {entry: 2, type: junit, outcome: failed, foreign: true, facts: {failed: 2, tests: []}}
    - {entry: 3, type: x, outcome: neutral, facts: {n: 1}}
  required: [{name: u, subject: artifact, type: junit}]
  expect: {allow: false}
"#;

/// So many rules are one policy: to make one ready is what takes the time.
const RULES_IN_A_POLICY: usize = 200;
const QUANTIFIERS_IN_A_POLICY: usize = 80;

/// Runs the cases of a policy in both.
fn both(folder: &Folder) -> Vec<(CaseResult, Heard)> {
    let cases = folder.cases().unwrap();
    let modules = folder.modules().unwrap().unwrap();
    let mut interpreter = Native::new(&modules).unwrap_or_else(|error| panic!("{error}"));
    let heard = cases
        .iter()
        .map(|case| interpreter.judge(&case.dossier, &case.parameters_json()));
    results(folder).into_iter().zip(heard).collect()
}

/// Writes rules as a policy, and runs its one case in both.
fn written(cases: &[Case]) -> (CaseResult, Heard) {
    let (_at, folder) = folder(&generate::policy(cases), CASES);
    both(&folder).remove(0)
}

fn by_control(findings: &[Finding]) -> BTreeMap<&str, &str> {
    findings
        .iter()
        .map(|finding| (finding.control.as_str(), finding.reason.as_str()))
        .collect()
}

/// Lists the cases in which the two differ.
fn differences(cases: &[Case], in_a_policy: usize) -> Vec<String> {
    cases.chunks(in_a_policy).flat_map(differ).collect()
}

fn differ(cases: &[Case]) -> Vec<String> {
    let (result, heard) = written(cases);
    let Outcome::Verdict(sandbox) = &result.evaluation.outcome else {
        panic!("{:?}", result.evaluation);
    };
    let heard = match &heard.answer {
        Ok(heard) => heard,
        Err(error) => return vec![error.clone()],
    };
    let (sandbox, heard) = (by_control(&sandbox.findings), by_control(&heard.findings));
    let said = |case: &Case| {
        let [sandbox, heard] = [&sandbox, &heard].map(|found| found.get(case.name.as_str()));
        (sandbox != heard).then(|| {
            format!(
                "{}  sandbox: {sandbox:?}\n  interpreter: {heard:?}",
                case.text
            )
        })
    };
    cases.iter().filter_map(said).collect()
}

#[test]
fn the_interpreter_reads_rules_as_the_sandbox_does() {
    let differences = differences(&generate::rules(7, 400), RULES_IN_A_POLICY);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn the_interpreter_compares_as_the_sandbox_does() {
    let differences = differences(&generate::comparisons(), RULES_IN_A_POLICY);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn the_interpreter_reads_quantifiers_and_walks_as_the_sandbox_does() {
    let cases = [generate::quantifiers(), generate::walks()].concat();
    let differences = differences(&cases, QUANTIFIERS_IN_A_POLICY);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn two_values_for_one_thing_are_an_error_of_the_interpreter_too() {
    // Each in a package of its own, asked for by its number: what nobody asks for has no values.
    let mut decides = String::from("package diff\n\ndefault allow := false\n\n");
    let mut cases = String::new();
    decides += "findings := [{\"control\": \"c\", \"status\": \"satisfied\", \"reason\": \"r\", \"entries\": []}]\n";
    for number in 0..generate::TWO_VALUES.len() {
        for holds in ["", "not "] {
            let asks = format!("{holds}data.case_{number}.r");
            writeln!(
                decides,
                "\nallow if {{\n\tinput.parameters.n == {number}\n\t{asks}\n}}"
            )
            .unwrap();
        }
        writeln!(
            cases,
            "- {{case: n{number}, parameters: {{n: {number}}}, expect: {{allow: true}}}}"
        )
        .unwrap();
    }
    let (at, folder) = folder(&decides, &cases);
    for (number, (rules, _)) in generate::TWO_VALUES.iter().enumerate() {
        let path = at.path().join(format!("case_{number}.rego"));
        std::fs::write(path, format!("package case_{number}\n\n{rules}\n")).unwrap();
    }
    for ((result, heard), (rules, two)) in both(&folder).iter().zip(generate::TWO_VALUES) {
        let failed = Outcome::Denied(Denial::RuleFailed);
        assert_eq!(result.evaluation.outcome == failed, *two, "{rules}");
        assert_eq!(heard.answer.is_err(), *two, "{rules}: {heard:?}");
        assert!(heard.failed.is_none(), "{rules}: {heard:?}");
        assert!(native::agree(&result.evaluation, heard), "{rules}");
    }
}

/// What has no value in the sandbox because something fails in it, and has one to the interpreter. `docs/rego.md` tells
/// authors of it.
const FAILS: &[(&str, &str)] = &[
    ("within_a_not", "not to_number(input.attestations[0].type)"),
    (
        "for_one_of_many",
        "count([y | some x in [\"1\", \"a\"]; y := to_number(x)]) == 1",
    ),
    ("divided_by_nothing", "not 1 / count(input.approvals)"),
];

#[test]
fn where_a_built_in_fails_the_interpreter_says_so_and_may_read_on() {
    let case = |(name, body): &(&str, &str)| Case {
        name: (*name).into(),
        text: format!("{name} if {body}\n"),
    };
    let cases: Vec<Case> = FAILS.iter().map(case).collect();
    let (result, heard) = written(&cases);
    let Outcome::Verdict(sandbox) = &result.evaluation.outcome else {
        panic!("{:?}", result.evaluation);
    };
    assert!(sandbox.findings.is_empty(), "{sandbox:?}");
    assert_eq!(heard.answer.as_ref().unwrap().findings.len(), FAILS.len());
    assert!(heard.failed.is_some() && native::agree(&result.evaluation, &heard));
}
