//! Attacks in Rego: what a component does with instructions, a source does with comprehensions and built-ins.

use policy::{Denial, Outcome, PolicySource, PublishError};

use super::nothing_is_left_behind;
use crate::support::{dossier, sandbox};

const FINDING: &str = r#"{"control": "c", "status": "satisfied", "reason": "r", "entries": []}"#;

/// The sample that an engine warms up by when it loads a source is of another flow: the attack waits for a real one.
const AWAKE: &str = r#"input.subject.flow == "pay""#;

/// What comes of a source that allows when these conditions hold.
fn attack(conditions: &str) -> Result<Outcome, PublishError> {
    judged(&format!(
        "allow if {{ {AWAKE}; {conditions} }}\n\nfindings := [{FINDING}]"
    ))
}

fn judged(rules: &str) -> Result<Outcome, PublishError> {
    let source = PolicySource::Rego(format!("package attack\n\n{rules}\n").into());
    let policy = sandbox().prepare(&source)?;
    let input = dossier(serde_json::json!({}));
    let first = policy.evaluate(&input, "{}", &policy::Limits::default());
    nothing_is_left_behind();
    if !matches!(first.outcome, Outcome::Undecided(_)) {
        let second = policy.evaluate(&input, "{}", &policy::Limits::default());
        assert_eq!(second, first, "{rules}");
    }
    Ok(first.outcome)
}

fn denied(conditions: &str, expected: &[Denial]) {
    match attack(conditions) {
        Ok(Outcome::Denied(denial)) if expected.contains(&denial) => {}
        other => panic!("{conditions}: {other:?}"),
    }
}

#[test]
fn comprehensions_that_never_end_run_out_of_fuel() {
    let spent = [Denial::OutOfFuel, Denial::OutOfMemory];
    for conditions in [
        "xs := numbers.range(1, 2000); count([1 | some a in xs; some b in xs; a + b == -1]) > 0",
        "xs := numbers.range(1, 2000); every a in xs { every b in xs { a + b > 0 } }",
        "xs := numbers.range(1, 2000); count({[a, b] | some a in xs; some b in xs}) > 0",
        "xs := numbers.range(1, 2000); count({a: b | some a in xs; b := [a | some c in xs; c > a]}) > 0",
        "xs := numbers.range(1, 100000); some x in xs; x in xs; x == -1",
    ] {
        denied(conditions, &spent);
    }
}

#[test]
fn texts_that_double_run_out_of_what_there_is() {
    let doubled: String = (1..40)
        .map(|step| format!("t{step} := concat(\"\", [t{0}, t{0}])\n\n", step - 1))
        .collect();
    let rules = format!(
        "t0 := input.subject.flow\n\n{doubled}allow if {{ {AWAKE}; count(t39) > 0 }}\n\nfindings := [{FINDING}]"
    );
    let outcome = judged(&rules);
    assert!(
        matches!(
            outcome,
            Ok(Outcome::Denied(
                Denial::OutOfMemory | Denial::OutOfFuel | Denial::Trapped
            )) | Err(PublishError::TooComplex { .. })
        ),
        "{outcome:?}"
    );
}

#[test]
fn an_answer_without_end_is_not_taken() {
    let findings = |some: &str| {
        judged(&format!(
            r#"allow := false

findings contains {{"control": "c", "status": "failed", "reason": reason, "entries": []}} if {{
	{AWAKE}
	{some}
}}

findings contains {FINDING}"#
        ))
    };
    let outcome = findings("some i in numbers.range(1, 1000000); reason := sprintf(\"%d\", [i])");
    assert!(
        matches!(
            outcome,
            Ok(Outcome::Denied(Denial::OutOfFuel | Denial::OutOfMemory))
        ),
        "{outcome:?}"
    );
    let outcome = findings("some i in numbers.range(1, 300); reason := sprintf(\"%d\", [i])");
    assert_eq!(outcome.unwrap(), Outcome::Denied(Denial::TooManyFindings));
    let outcome = findings("some i in numbers.range(1, 10000); reason := sprintf(\"%d\", [i])");
    assert!(
        matches!(
            outcome,
            Ok(Outcome::Denied(
                Denial::OutputTooLarge | Denial::TooManyFindings
            ))
        ),
        "{outcome:?}"
    );
    let long = "reason := concat(\"\", [\"0123456789\" | some i in numbers.range(1, 20000)])";
    assert_eq!(
        findings(long).unwrap(),
        Outcome::Denied(Denial::OutputTooLarge)
    );
}

#[test]
fn regular_expressions_and_globs_that_blow_up_deny() {
    let blown = [
        Denial::OutOfFuel,
        Denial::OutOfMemory,
        Denial::UndefinedRule,
        Denial::RuleFailed,
        Denial::Trapped,
    ];
    for conditions in [
        r#"regex.match("^(a+)+$", concat("", ["a" | some _ in numbers.range(1, 50000)]) ) == false"#,
        r#"regex.match("(a{0,1000}){0,1000}", input.subject.flow) == 1"#,
        r#"regex.match("((a{0,100}){0,100}){0,100}", input.subject.flow) == 1"#,
        r#"regex.match("\\pL{900}{900}", input.subject.flow) == 1"#,
        r#"regex.match(concat("", ["(" | some _ in numbers.range(1, 50000)]), "a") == 1"#,
        r#"glob.match(concat("", ["*a" | some _ in numbers.range(1, 2000)]), [], concat("", ["a" | some _ in numbers.range(1, 2000)])) == 1"#,
        r#"glob.match(concat("", ["{a,b" | some _ in numbers.range(1, 5000)]), [], "a") == 1"#,
        r#"glob.match("**/**/**/**/**/**/**/**", ["/"], concat("", ["a/" | some _ in numbers.range(1, 2000)])) == 1"#,
    ] {
        denied(conditions, &blown);
    }
}

#[test]
fn patterns_that_blow_up_while_a_source_is_loaded_are_no_danger_either() {
    for pattern in [
        "(a{0,1000}){0,1000}",
        "((x{100}){100}){100}",
        "\\\\pL{1000}{1000}",
    ] {
        let outcome = judged(&format!(
            "allow if regex.match(\"{pattern}\", input.subject.flow) == 1\n\nfindings := [{FINDING}]"
        ));
        assert!(
            matches!(
                outcome,
                Ok(Outcome::Denied(_)) | Err(PublishError::TooComplex { .. })
            ),
            "{pattern}: {outcome:?}"
        );
    }
}

#[test]
fn recursion_by_another_name_is_refused_and_depth_has_an_end() {
    // A chain of rules, each of which asks the next.
    let chain: String = (0..3_000)
        .map(|step| format!("r{step} := r{} + 1\n\n", step + 1))
        .collect();
    let outcome = judged(&format!(
        "{chain}r3000 := input.now_ms\n\nallow if r0 < 0\n\nfindings := [{FINDING}]"
    ));
    assert!(
        matches!(
            outcome,
            Ok(Outcome::Denied(_) | Outcome::Undecided(policy::Undecided::NativeStack))
                | Err(PublishError::TooComplex { .. } | PublishError::Syntax { .. })
        ),
        "{outcome:?}"
    );
    let deep = r#"count(json.unmarshal(concat("", array.concat(["[" | some _ in numbers.range(1, 100000)], ["]" | some _ in numbers.range(1, 100000)])))) == 7"#;
    let outcome = attack(deep);
    assert!(
        matches!(
            outcome,
            Ok(Outcome::Denied(_) | Outcome::Undecided(policy::Undecided::NativeStack))
        ),
        "{outcome:?}"
    );
}
