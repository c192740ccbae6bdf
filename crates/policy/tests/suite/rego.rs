//! Rego policies that go wrong while they run.

use crate::support::dossier;
use policy::{Denial, Limits, Outcome, PolicySource};
use serde_json::json;

const FINDING: &str = r#"{"control": "c", "status": "satisfied", "reason": "r", "entries": []}"#;

fn outcome(rules: &str) -> Outcome {
    let source = PolicySource::Rego(format!("package example\n\n{rules}\n").into());
    let policy = crate::support::sandbox()
        .prepare(&source)
        .unwrap_or_else(|error| panic!("{rules}: {error}"));
    let input = dossier(json!({}));
    let first = policy.evaluate(&input, r#"{"limit":3}"#, &Limits::default());
    assert_eq!(
        policy.evaluate(&input, r#"{"limit":3}"#, &Limits::default()),
        first,
        "{rules}"
    );
    first.outcome
}

fn denied(rules: &str) -> Denial {
    match outcome(rules) {
        Outcome::Denied(denial) => denial,
        other => panic!("{rules}: {other:?}"),
    }
}

// guest test of engine.judge
#[test]
fn parameters_and_dossier_are_the_input() {
    let rules = format!(
        "allow if {{ input.parameters.limit == 3; input.subject.flow == \"pay\" }}\n\nfindings := [{FINDING}]"
    );
    assert!(matches!(outcome(&rules), Outcome::Verdict(verdict) if verdict.allow));
}

#[test]
fn a_rule_without_a_value_denies() {
    assert_eq!(
        denied(&format!("allow if false\n\nfindings := [{FINDING}]")),
        Denial::UndefinedRule
    );
    assert_eq!(
        denied("allow := true\n\nfindings := [input.nothing]"),
        Denial::UndefinedRule
    );
}

#[test]
fn a_rule_of_another_type_denies() {
    assert_eq!(
        denied(&format!("allow := \"true\"\n\nfindings := [{FINDING}]")),
        Denial::WrongType
    );
    assert_eq!(
        denied(&format!("allow := 1\n\nfindings := [{FINDING}]")),
        Denial::WrongType
    );
    assert_eq!(
        denied(&format!("allow contains true\n\nfindings := [{FINDING}]")),
        Denial::WrongType
    );
    assert_eq!(
        denied(&format!("allow := true\n\nfindings := {FINDING}")),
        Denial::WrongType
    );
    assert_eq!(
        denied("allow := true\n\nfindings := [1]"),
        Denial::WrongType
    );
    assert_eq!(
        denied("allow := true\n\nfindings := [{\"control\": \"c\"}]"),
        Denial::WrongType
    );
    assert_eq!(
        denied(
            "allow := true\n\nfindings := [{\"control\": \"c\", \"status\": \"green\", \"reason\": \"r\", \"entries\": []}]"
        ),
        Denial::WrongType
    );
}

#[test]
fn an_allow_needs_a_finding_in_rego_too() {
    assert_eq!(
        denied("allow := true\n\nfindings := []"),
        Denial::AllowWithoutFinding
    );
}

#[test]
fn a_built_in_that_fails_leaves_its_rule_without_a_value_and_is_no_match_for_not() {
    for failing in [
        "not 1 / (input.now_ms - input.now_ms) == 1",
        "not to_number(input.subject.flow) == 1",
        "not input.subject.flow - 1 == 1",
    ] {
        let rules = format!("allow if {failing}\n\nfindings := [{FINDING}]");
        assert_eq!(denied(&rules), Denial::UndefinedRule, "{failing}");
    }
}

#[test]
fn a_rule_with_a_key_has_a_value_for_each_key() {
    allows(&format!(
        "findings := [{FINDING}]\n\nof[i] := x if some i, x in [\"a\", \"b\"]\n\nof.third := \"c\"\n\nof[\"a b\"] if 1 < 2\n\n\
         by[x.kind] contains x.n if some x in [{{\"kind\": \"a\", \"n\": 1}}, {{\"kind\": \"a\", \"n\": 2}}, {{\"n\": 3}}]\n\n\
         none[i] := 1 if some i in []\n\n\
         allow if {{\n\tof == {{0: \"a\", 1: \"b\", \"third\": \"c\", \"a b\": true}}\n\tof[1] == \"b\"\n\t\
         by == {{\"a\": {{1, 2}}}}\n\tnone == {{}}\n\tnot none[0]\n\tnot by.b\n}}"
    ));
}

#[test]
fn one_argument_more_is_what_the_value_must_be() {
    for (call, holds) in [
        ("count([1, 2], 2)", true),
        ("count([1, 2], 3)", false),
        ("count([1, 2], n); n == 2", true),
        ("lower(\"A\", \"a\")", true),
        ("lower(\"A\", \"A\")", false),
    ] {
        let rules =
            format!("default allow := false\n\nallow if {{ {call} }}\n\nfindings := [{FINDING}]");
        match outcome(&rules) {
            Outcome::Verdict(verdict) => assert_eq!(verdict.allow, holds, "{call}"),
            other => panic!("{call}: {other:?}"),
        }
    }
}

#[test]
fn regular_expressions_know_unicode() {
    let rules = format!(
        "allow if regex.match(`(?i)^PAY\\d*$`, input.subject.flow)\n\nfindings := [{FINDING}]"
    );
    assert!(matches!(outcome(&rules), Outcome::Verdict(verdict) if verdict.allow));
}

#[test]
fn a_product_of_everything_with_everything_runs_out_of_fuel() {
    let rules = format!(
        "allow if {{ input.subject.flow == \"pay\"; some a in numbers.range(1, 3000); some b in numbers.range(1, 3000); a * b == -1 }}\n\nfindings := [{FINDING}]"
    );
    assert_eq!(denied(&rules), Denial::OutOfFuel);
}

#[test]
fn a_list_that_is_too_long_runs_out_of_memory() {
    // The sample that an engine warms up by is of another flow, so that only the evaluation itself is stopped.
    let counting = |end: u64| {
        format!(
            "allow if {{ input.subject.flow == \"pay\"; count(numbers.range(1, {end})) == 1 }}\n\nfindings := [{FINDING}]"
        )
    };
    assert_eq!(denied(&counting(10_000_000)), Denial::OutOfMemory);
    assert_eq!(
        denied(&counting(1_000_000_000)),
        Denial::Trapped,
        "no address space holds it"
    );
}

#[test]
fn parameters_that_are_not_json_deny() {
    let source = format!("package example\n\nallow := true\n\nfindings := [{FINDING}]\n");
    let policy = crate::support::sandbox()
        .prepare(&PolicySource::Rego(source.into()))
        .unwrap();
    let evaluation = policy.evaluate(&dossier(json!({})), "{", &Limits::default());
    assert_eq!(evaluation.outcome, Outcome::Denied(Denial::RuleFailed));
}

#[test]
fn a_bundle_decides_by_its_libraries_and_data() {
    let modules = json!({
        "policy.rego": format!(
            "package team.release\n\nimport data.lib.people\nimport data.limits as bounds\n\ndefault allow := false\n\n\
             allow if {{\n\tpeople.known(\"ann\")\n\tbounds.low < input.parameters.limit\n\tpeople.count_of == 2\n\tdata.lib.people.names[_] == \"bob\"\n}}\n\n\
             findings := [{FINDING}]\n"
        ),
        "lib/people.rego": "package lib.people\n\nknown(name) if name in names\n\nnames contains name if some name in data.people\n",
        "lib/more.rego": "package lib.people\n\ncount_of := count(names)\n",
    });
    let decide = |data: &serde_json::Value| {
        let bundle = json!({ "data": data, "modules": modules }).to_string();
        let policy = crate::support::sandbox()
            .prepare(&PolicySource::Rego(bundle.into()))
            .unwrap_or_else(|error| panic!("{error}"));
        policy
            .evaluate(&dossier(json!({})), r#"{"limit":3}"#, &Limits::default())
            .allows()
    };
    assert!(decide(
        &json!({"people": ["ann", "bob"], "limits": {"low": 1}})
    ));
    assert!(!decide(
        &json!({"people": ["ann", "bob"], "limits": {"low": 3}})
    ));
    assert!(!decide(
        &json!({"people": ["eve", "bob"], "limits": {"low": 1}})
    ));
}

#[test]
fn now_is_the_decisions_time() {
    let rules = format!(
        "allow if {{\n\ttime.now_ns() == input.now_ms * 1000000\n\ttime.now_ns() == 1000000000000\n}}\n\nfindings := [{FINDING}]"
    );
    assert!(matches!(outcome(&rules), Outcome::Verdict(verdict) if verdict.allow));
}

#[test]
fn printing_changes_nothing() {
    let rules = format!(
        "allow if {{\n\tprint(\"not there:\", input.nothing, [x | print(x); some x in [1]])\n\tevery x in [1, 2] {{\n\t\tprint(\n\t\t\tx,\n\t\t)\n\t\tx > 0\n\t}}\n\ttrace(\"seen\")\n}}\n\nfindings := [{FINDING}]"
    );
    assert!(matches!(outcome(&rules), Outcome::Verdict(verdict) if verdict.allow));
}

#[test]
fn every_looks_at_the_elements_of_its_list_only() {
    let bodies = [
        r#"every s in ["critical", "low"] { is_number(of[s]) }"#,
        r#"every s, n in {"critical": 0, "low": 3} { of[s] == n }"#,
        r#"every s in [] { of[s] }"#,
        // None of these holds: there is no `high`, and of `low` there are three.
        r#"every s in ["critical", "high"] { is_number(of[s]) }"#,
        r#"every s in ["high"] { of[s] == 0 }"#,
        r#"every s, n in {"critical": 0, "high": 0} { of[s] == n }"#,
        r#"every s, _ in {"high": 0} { of[s] >= 0 }"#,
        r#"every s in ["low"] { of[s] == 0 }"#,
        r#"every s in ["low"] { every n in [0] { of[s] == n } }"#,
    ];
    let mut rules = String::from("of := {\"critical\": 0, \"low\": 3}\n\n");
    for (at, body) in bodies.iter().enumerate() {
        rules.push_str(&format!("holds contains {at} if {body}\n\n"));
    }
    rules.push_str(
        r#"default allow := false

allow if count(holds) > 0

findings := [{"control": "c", "status": "satisfied", "reason": json.marshal(holds), "entries": []}]"#,
    );
    match outcome(&rules) {
        Outcome::Verdict(verdict) => assert_eq!(verdict.findings[0].reason, "[0,1,2]"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_does_not_look_at_what_gets_its_value_later() {
    let refused = |rules: &str| {
        let source = PolicySource::Rego(
            format!("package example\n\n{rules}\n\nfindings := [{FINDING}]\n").into(),
        );
        crate::support::sandbox().prepare(&source).err()
    };
    for late in [
        r#"allow if { every x in [1] { input.required[y] == x }; y := 0 }"#,
        r#"allow if { some y; every x in [1] { input.required[y] == x }; input.attestations[y] }"#,
        r#"allow if { every x in [1] { input.required[y] == x }; some y in [0] }"#,
        r#"allow if { count([1 | every x in [1] { input.required[y] == x }]) == 1; [y, _] = [0, 1] }"#,
    ] {
        let error = refused(late).unwrap_or_else(|| panic!("{late}"));
        assert_eq!(error.code(), "rego-syntax", "{late}");
        assert!(error.to_string().contains("`every` uses `y`"), "{error}");
    }
    let early = r#"allow if { y := 0; every x in [1] { z := x; input.required[y] == z }; z := input.attestations[y]; count(z) == 1 }"#;
    if let Some(error) = refused(early) {
        panic!("{error}");
    }
}

fn allows(rules: &str) {
    let outcome = outcome(rules);
    assert!(
        matches!(&outcome, Outcome::Verdict(verdict) if verdict.allow),
        "{rules}: {outcome:?}"
    );
}

#[test]
fn objects_of_many_fields_and_texts_at_the_end_are_written_anew_as_they_are() {
    let findings = r#"findings := [{ # {of} "many" fields
	"control": control, "status": status(met),
	"reason": "r", "entries": []} |
	some control, met in {"c": true}
]

status(met) := "satisfied" if met else := "failed""#;
    for allow in [
        "allow if true",
        "allow if {\n\tsame := input.subject.flow == \"pay\"\n\tsame\n}",
        "allow if { same := input.subject.flow == `pay`; same }",
        "allow if { same := \"pay\" == input.subject.flow; same }",
        "allow if same\n\nsame := [(\"pay\" == flow) | some flow in [input.subject.flow]][0]",
        "allow if {(flow == \"pay\") | some flow in [input.subject.flow]} == {true}",
        "allow if [{\"a\": 1, \"b\": 2}[key] | some key in [\"a\", \"b\"]] == [1, 2]",
        "allow if {key: {\"ä\": key, \"b\": \"}\"} | some key in [\"a\"]}.a.b == \"}\"",
    ] {
        allows(&format!("{allow}\n\n{findings}"));
    }
}

#[test]
fn a_function_that_is_asked_the_same_again_says_the_same() {
    let rules = format!(
        r#"of(flow) := [n | some n in numbers.range(1, 3); input.subject.flow == flow]

only("pay") := "paid"

is(flow) := input.subject.flow == flow

both(a, b) := concat("-", [a, b])

allow if {{
	count(of("pay")) == 3
	every n in numbers.range(1, 4) {{ count(of("pay")) == 3; n > 0 }}
	count(of("other")) == 0
	[text | some n in of("pay"); text := only("pay"); n > 1] == ["paid", "paid"]
	not only("other")
	not is("other")
	is("pay")
	{{only(flow) | some flow in ["pay", "other"]}} == {{"paid"}}
	both("a", "b") == "a-b"
	both("b", "a") == "b-a"
	both("a", "b") != both("b", "a")
}}

findings := [{FINDING}]"#
    );
    allows(&rules);
}
