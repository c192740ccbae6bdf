//! Every policy that comes with Trailmark has cases, and all of them come out as they say: in each of its forms.

use std::fs;

use policy::{Limits, Outcome, PolicyForm, PolicySource, Verdict, stock};
use workbench::{Case, Cases, Folder, Native, native};

use crate::support::{policies, sandbox};

fn cases(control: &str) -> Cases {
    Cases::open(&policies().join(control).join("cases.yaml")).unwrap()
}

fn verdict(control: &str, form: PolicyForm, case: &Case) -> Verdict {
    let source = stock::seed(control, form).unwrap().source();
    let result = workbench::run(&sandbox().prepare(&source).unwrap(), case).unwrap();
    match result.evaluation.outcome {
        Outcome::Verdict(verdict) => verdict,
        other => panic!("{}: {other:?}", case.place),
    }
}

#[test]
fn every_case_of_every_seed_policy_comes_out_as_it_says() {
    let mut wrong = Vec::new();
    for seed in stock::seeds() {
        let policy = sandbox().prepare(&seed.source()).unwrap();
        for case in &cases(seed.control) {
            let result = workbench::run(&policy, case).unwrap();
            if !result.passed() {
                wrong.push(format!("{:?} {}\n{}", seed.form, case.place, result.diff()));
            }
            for finding in &verdict(seed.control, seed.form, case).findings {
                assert_eq!(finding.control.as_str(), seed.control, "{}", case.place);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_policy_in_both_forms_gives_the_same_verdict_on_every_case() {
    let in_both: Vec<&str> = stock::seeds()
        .iter()
        .filter(|seed| seed.form == PolicyForm::Rego)
        .map(|seed| seed.control)
        .filter(|control| stock::seed(control, PolicyForm::Component).is_some())
        .collect();
    assert!(!in_both.is_empty(), "no seed policy comes in both forms");
    for control in in_both {
        for case in &cases(control) {
            assert_eq!(
                verdict(control, PolicyForm::Rego, case),
                verdict(control, PolicyForm::Component, case),
                "{}",
                case.place
            );
        }
    }
}

#[test]
fn sandbox_and_interpreter_agree_on_every_case_of_every_seed_policy_in_rego() {
    let mut compared = 0;
    for seed in stock::seeds()
        .iter()
        .filter(|seed| seed.form == PolicyForm::Rego)
    {
        let folder = Folder::open(&policies().join(seed.control)).unwrap();
        let modules = folder.modules().unwrap().unwrap();
        let mut interpreter = Native::new(&modules).unwrap();
        let policy = sandbox().prepare(&folder.source().unwrap()).unwrap();
        for case in &cases(seed.control) {
            let result = workbench::run(&policy, case).unwrap();
            let heard = interpreter.judge(&case.dossier, &case.parameters_json());
            assert!(
                native::agree(&result.evaluation, &heard),
                "{}: {heard:?}",
                case.place
            );
            compared += 1;
        }
        let coverage = interpreter.coverage(&modules);
        assert!(coverage.percent() >= 90, "{}: {coverage:#?}", seed.control);
    }
    assert!(compared > 0);
}

#[test]
fn every_policy_has_cases_of_both_ends_and_a_manifest_and_is_embedded() {
    let embedded: Vec<&str> = stock::seeds().iter().map(|seed| seed.control).collect();
    for path in fs::read_dir(policies()).unwrap() {
        let path = path.unwrap().path();
        let policy = ["policy.rego", "policy.yaml", "cases.yaml"];
        if !policy.iter().any(|name| path.join(name).is_file()) {
            continue;
        }
        let folder = Folder::open(&path).unwrap();
        let control = folder.name().as_str();
        assert_eq!(Some(control), path.file_name().unwrap().to_str());
        assert!(
            path.join("policy.yaml").is_file(),
            "`{control}` has no `policy.yaml`"
        );
        let cases = folder.cases().unwrap();
        for allow in [true, false] {
            let has = cases.iter().any(|case| case.expect.allows() == Some(allow));
            assert!(has, "`{control}` has no case with `allow: {allow}`");
        }
        assert!(embedded.contains(&control), "`{control}` is not embedded");
    }
    for control in embedded {
        let there = policies().join(control).join("cases.yaml").is_file();
        assert!(there, "`{control}` has no cases");
    }
}

#[test]
fn the_example_of_the_readme_is_a_policy() {
    let text = fs::read_to_string(policies().join("README.md")).unwrap();
    let (_, rest) = text.split_once("```rego\n").unwrap();
    let (source, _) = rest.split_once("```").unwrap();
    let policy = sandbox()
        .prepare(&PolicySource::Rego(source.into()))
        .unwrap();
    let cases = "- case: signed
  attestations: [{entry: 1, type: signature}]
  expect: {allow: true}
- case: not signed
  expect: {allow: false}
";
    for case in &Cases::parse("cases.yaml".as_ref(), cases.into()).unwrap() {
        let evaluation = policy.evaluate(&case.input().unwrap(), "{}", &Limits::default());
        assert_eq!(
            Some(evaluation.allows()),
            case.expect.allows(),
            "{}",
            case.name
        );
    }
}
