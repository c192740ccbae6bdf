//! What an author sees of a policy that is not right yet.

use policy::{Denial, Outcome};
use workbench::{Folder, Native, Suite, locate, native};

use crate::support::{folder, results, sandbox};

const SIGNED: &str = r#"package signed

default allow := false

allow if count(signatures) > 0

signatures := [a.entry | some a in input.attestations; a.type == "signature"]

findings := [{"control": "signed", "status": status, "reason": reason, "entries": signatures}]

status := "satisfied" if {
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
    for line in [
        "- fuel: at most 1\n",
        "-   reason: somebody else signed it\n",
        "+   reason: somebody signed it\n",
        "-   entries: [4]\n",
        "+   entries: [3]\n",
        "    status: satisfied\n",
    ] {
        assert!(results[1].diff().contains(line), "{}", results[1].diff());
    }
    assert!(results[2].diff().contains("- denial: trapped\n"));
    assert!(
        results[3].diff().contains("- - control: tested\n"),
        "{}",
        results[3].diff()
    );
}

#[test]
fn the_interpreter_says_what_was_printed_and_what_was_reached() {
    let source = SIGNED.replace(
        "\tallow\n",
        "\tprint(\"seen\", count(signatures))\n\tallow\n",
    );
    let (_at, folder) = folder(&source, "- case: unsigned\n  expect: {status: failed}\n");
    let modules = folder.modules().unwrap().unwrap();
    let mut interpreter = Native::new(&modules).unwrap();
    let cases = folder.cases().unwrap();
    let case = cases.iter().next().unwrap();
    let heard = interpreter.judge(&case.dossier, &case.parameters_json());
    assert!(!heard.answer.unwrap().allow);
    assert_eq!(heard.prints.len(), 1);
    assert!(heard.prints[0].contains("seen 0"), "{:?}", heard.prints);
    let coverage = interpreter.coverage(&modules);
    let missed = &coverage.files[0].missed_rules;
    assert!(
        missed.iter().any(|rule| rule.name == "never"),
        "{coverage:?}"
    );
    assert!(coverage.percent() < 100 && coverage.percent() > 0);
}

#[test]
fn what_the_sandbox_stopped_is_not_given_to_the_interpreter() {
    for (denial, may) in [
        (Denial::OutOfFuel, false),
        (Denial::OutOfMemory, false),
        (Denial::Trapped, false),
        (Denial::UndefinedRule, true),
    ] {
        let evaluation = policy::Evaluation {
            fuel: 1,
            memory_bytes: 1,
            outcome: Outcome::Denied(denial),
        };
        assert_eq!(native::may_follow(&evaluation), may, "{denial}");
    }
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

/// Says where in a bundle of modules what keeps them from being a policy stands, and the line with its caret.
fn placed(modules: &[(&str, &str)]) -> String {
    let below = tempfile::tempdir().unwrap();
    let at = below.path().join("placed");
    for (path, source) in modules {
        let path = at.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, source).unwrap();
    }
    let folder = Folder::open(&at).unwrap();
    let error = sandbox().prepare(&folder.source().unwrap()).unwrap_err();
    let modules = folder.modules().unwrap().unwrap();
    let located = locate(&error, folder.path(), &modules);
    let located = located.unwrap_or_else(|| panic!("no place: {error}"));
    located
        .to_string()
        .replace(&format!("{}/", at.display()), "")
}

#[test]
fn columns_are_counted_in_characters_whatever_stands_before() {
    let rules = "package p\n\ndefault allow := false\n\nfindings := []\n\n";
    for (line, place) in [
        // Where a path begins, not where it ends.
        ("x := http.send({})", "7:6"),
        ("x := 1 + data.nothing.there", "7:10"),
        ("allow if x.y.z(1)", "7:10"),
        // Tabs, and letters of several bytes in texts and in comments.
        ("allow if {\n\thttp.send({})\n}", "8:2"),
        ("allow if {\n\t\tx == ]\n}", "8:8"),
        ("x := [\"äöü\", http.send({})]", "7:14"),
        ("allow if \"äöü\" == ]", "7:19"),
        ("allow if `ä\tö` == ]", "7:19"),
        ("allow if \"a\\u00e4\\n\" == ]", "7:25"),
        ("# ünder\nallow if \"ä\" == ]", "8:17"),
        ("x := `a\nb\"ä` ]", "8:6"),
        // What the compiler says is of what the author wrote, not of what is compiled.
        (
            "allow if count([a | some a in input.attestations; \"ä\" != a]) > nothing_here",
            "7:64",
        ),
    ] {
        let source = format!("{rules}{line}\n");
        for source in [source.clone(), source.replace('\n', "\r\n")] {
            let found = placed(&[("policy.rego", &source)]);
            assert!(
                found.starts_with(&format!("policy.rego:{place}: ")),
                "{line}\n{found}"
            );
            let column: usize = place.split_once(':').unwrap().1.parse().unwrap();
            let caret = found.lines().last().unwrap();
            assert_eq!(caret.chars().count(), column + "7 | ".len(), "{found}");
        }
    }
}

#[test]
fn of_several_files_the_one_is_named_in_which_it_stands() {
    let policy = "package p\n\nimport data.lib.x\n\ndefault allow := false\n\nallow if x.y\n\nfindings := []\n";
    for (library, place) in [
        (
            "package lib.x\n\n\ty := rand.intn(\"ä\", 1)\n",
            "lib/x.rego:3:7: ",
        ),
        ("package lib.x\n\ny if \"ä\" ==\n", "lib/x.rego:4:1: "),
        ("package lib.x\n\ny if z\n\nz if y\n", "lib/x.rego:3:1: "),
    ] {
        let found = placed(&[("policy.rego", policy), ("lib/x.rego", library)]);
        assert!(found.starts_with(place), "{found}");
    }
    let found = placed(&[("policy.rego", policy)]);
    assert!(found.starts_with("policy.rego:3:8: "), "{found}");
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

#[test]
fn where_the_interpreter_takes_no_policy_its_cases_run_and_it_is_said_why_nothing_is_known() {
    let (_at, folder) = folder(SIGNED, "- case: unsigned\n  expect: {status: failed}\n");
    let policy = sandbox().prepare(&folder.source().unwrap()).unwrap();
    let mut modules = folder.modules().unwrap().unwrap();
    let source = modules.modules.values_mut().next().unwrap();
    source.push_str("\n\n\tx := := 1\n");
    let cases = folder.cases().unwrap();
    let suite = Suite::run(&policy, Some(&modules), cases.iter()).unwrap();
    assert_eq!(suite.failed(), 0);
    assert!(suite.coverage.is_none() && suite.cases[0].prints.is_empty());
    let why = suite.unexplained.unwrap();
    assert!(why.contains("policy.rego:"), "{why}");
}
