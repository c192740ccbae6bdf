//! What an author sees of a policy that is not right yet.

use policy::{Denial, Outcome};
use workbench::{Native, locate, native};

use crate::support::{folder, results, sandbox};

const SIGNED: &str = r#"package signed

default allow := false

allow if count(signatures) > 0

signatures := [a.entry | some a in input.attestations; a.type == "signature"]

findings := [{"control": "signed", "status": status, "reason": reason, "entries": signatures}]

status := "satisfied" if {
	print("seen", count(signatures))
	allow
} else := "failed"

reason := "somebody signed it" if allow else := "nobody signed it"

never if input.parameters.never
"#;

#[test]
fn a_failed_case_shows_what_is_different_and_nothing_else() {
    let (_at, folder) = folder(
        SIGNED,
        "- case: signed
  attestations: [{entry: 3, type: signature}]
  expect: {status: satisfied, entries: [3]}
- case: the reason is another
  attestations: [{entry: 3, type: signature}]
  limits: {fuel: 1}
  expect: {reason: somebody else signed it, entries: [4]}
- case: it does not crash
  expect: {denial: trapped}
- case: two findings
  expect: {findings: [{control: signed}, {control: tested, status: failed}]}
",
    );
    let results = results(&folder);
    assert!(results[0].passed() && results[0].diff().is_empty());
    let used = results[1].evaluation.fuel.to_string();
    insta::assert_snapshot!(results[1].diff().replace(&used, "FUEL"), @"");
    insta::assert_snapshot!(results[2].diff(), @"");
    insta::assert_snapshot!(results[3].diff(), @"");
}

#[test]
fn the_interpreter_says_what_was_printed_and_what_was_reached() {
    let (_at, folder) = folder(SIGNED, "- case: unsigned\n  expect: {status: failed}\n");
    let modules = folder.modules().unwrap().unwrap();
    let mut interpreter = Native::new(&modules).unwrap();
    let result = results(&folder).remove(0);
    let cases = folder.cases().unwrap();
    let case = cases.iter().next().unwrap();
    let heard = interpreter.judge(&case.dossier, &case.parameters_json());
    assert!(native::agree(&result.evaluation, &heard), "{heard:?}");
    assert_eq!(heard.prints.len(), 1);
    assert!(heard.prints[0].contains("seen 0"), "{:?}", heard.prints);
    let coverage = interpreter.coverage(&modules);
    insta::assert_snapshot!(serde_json::to_string_pretty(&coverage).unwrap(), @"");
}

#[test]
fn a_policy_that_never_ends_is_not_given_to_the_interpreter() {
    let (_at, folder) = folder(
        "package p\n\ndefault allow := false\n\nallow if count([1 | some a in numbers.range(1, 100000); some b in numbers.range(1, 100000)]) > 0\n\nfindings := []\n",
        "- case: it does not end\n  expect: {denial: out-of-memory}\n",
    );
    let result = results(&folder).remove(0);
    assert!(
        !native::may_follow(&result.evaluation),
        "{:?}",
        result.evaluation
    );
}

#[test]
fn a_rule_without_a_value_is_a_denial_that_the_interpreter_words() {
    let (_at, folder) = folder(
        "package p\n\nallow if input.nothing\n\nfindings := []\n",
        "- case: undefined\n  expect: {denial: undefined-rule}\n",
    );
    let result = results(&folder).remove(0);
    assert_eq!(
        result.evaluation.outcome,
        Outcome::Denied(Denial::UndefinedRule)
    );
    assert!(result.passed());
    let modules = folder.modules().unwrap().unwrap();
    let cases = folder.cases().unwrap();
    let case = cases.iter().next().unwrap();
    let heard = Native::new(&modules).unwrap().judge(&case.dossier, "{}");
    assert!(native::agree(&result.evaluation, &heard));
    assert_eq!(heard.answer.unwrap_err(), "the rule `allow` has no value");
}

#[test]
fn what_keeps_a_source_from_being_a_policy_is_shown_where_it_stands() {
    let rules = "package p\n\ndefault allow := false\n\nfindings := []\n\n";
    for (source, place) in [
        (
            format!("{rules}allow if {{\n\tinput.x ==\n}}\n"),
            "policy.rego:9:1: ",
        ),
        (
            format!("{rules}# http.send\nx := http.send({{}})\n"),
            "policy.rego:8:6: ",
        ),
        (format!("{rules}a := b\n\nb := a\n"), "policy.rego:7:1: "),
        (
            "package p\n\ndefault allow := true\n\nfindings := []\n".into(),
            "policy.rego:3:1: ",
        ),
        ("package p\n\nallow := true\n".into(), "policy.rego:1:1: "),
    ] {
        let (at, folder) = folder(&source, "");
        let error = sandbox().prepare(&folder.source().unwrap()).unwrap_err();
        let modules = folder.modules().unwrap().unwrap();
        let located = locate(&error, folder.path(), &modules);
        let located = located
            .unwrap_or_else(|| panic!("no place: {error}"))
            .to_string();
        let inside = located
            .strip_prefix(&format!("{}/", at.path().display()))
            .unwrap();
        assert!(inside.starts_with(place), "{inside}");
        assert!(inside.ends_with('^'), "{inside}");
    }
}
