//! Policies that mean harm: each is stopped, under the right name, none allows, and the next evaluation is as if nothing
//! had been.

mod crowd;
mod evidence;
mod modules;
mod publishing;
mod rego;
mod sources;

use std::sync::LazyLock;

use crate::support::component::{answering, evaluating, with_data};
use crate::support::{dossier, entry};
use policy::{
    Denial, Evaluation, Limits, Outcome, PolicyForm, PolicySource, Prepared, Undecided, stock,
};
use serde_json::json;

/// Runs a policy over a dossier with one attestation, which entry 1 records.
fn run(source: &PolicySource, limits: &Limits) -> Evaluation {
    let input = dossier(json!({ "attestations": [{
        "entry": entry(1), "facts": {}, "flow": "pay", "foreign": false, "name": "smoke", "outcome": "passed",
        "recorded_ms": 1, "schema": "generic.v1", "subject": "artifact", "type": "generic",
    }]}));
    let policy = crate::support::sandbox().prepare(source).unwrap();
    let first = policy.evaluate(&input, "{}", limits);
    assert!(!first.allows() || matches!(first.outcome, Outcome::Verdict(_)));
    nothing_is_left_behind();
    if !matches!(first.outcome, Outcome::Undecided(_)) {
        assert_eq!(
            policy.evaluate(&input, "{}", limits),
            first,
            "the second run differs"
        );
    }
    first
}

/// Runs two policies that behave well, one in each form: they say what they said before, with the same figures.
fn nothing_is_left_behind() {
    static WELL_BEHAVED: LazyLock<[(Prepared, Evaluation); 2]> = LazyLock::new(|| {
        [PolicyForm::Component, PolicyForm::Rego].map(|form| {
            let source = stock::seed("unit-tested", form).unwrap().source();
            let policy = crate::support::sandbox().prepare(&source).unwrap();
            let evaluation = policy.evaluate(&dossier(json!({})), "{}", &Limits::default());
            assert!(
                matches!(evaluation.outcome, Outcome::Verdict(_)),
                "{evaluation:?}"
            );
            (policy, evaluation)
        })
    });
    for (policy, before) in WELL_BEHAVED.iter() {
        let after = policy.evaluate(&dossier(json!({})), "{}", &Limits::default());
        assert_eq!(after, *before);
    }
}

fn outcome(source: &PolicySource) -> Outcome {
    run(source, &Limits::default()).outcome
}

const FINDING: (&str, u8, &str, &[&str]) = ("control", 0, "it is so", &[]);

// guest test of policy.evaluate
#[test]
fn a_policy_that_answers_properly_is_heard() {
    let entry = entry(1);
    let evaluation = run(
        &answering(true, &[("control", 0, "it is so", &[&entry])]),
        &Limits::default(),
    );
    assert!(evaluation.allows(), "{evaluation:?}");
    assert!(evaluation.fuel > 0);
    assert_eq!(evaluation.memory_bytes, 16 * 65536);
    let evaluation = run(&answering(false, &[]), &Limits::default());
    assert!(
        matches!(&evaluation.outcome, Outcome::Verdict(verdict) if !verdict.allow),
        "{evaluation:?}"
    );
}

#[test]
fn a_policy_that_loops_for_ever_runs_out_of_fuel() {
    let evaluation = run(
        &evaluating("(loop (br 0)) (unreachable)"),
        &Limits {
            fuel: 1_000_000,
            ..Limits::default()
        },
    );
    assert_eq!(evaluation.outcome, Outcome::Denied(Denial::OutOfFuel));
    assert_eq!(evaluation.fuel, 1_000_000);
}

#[test]
fn a_policy_that_grows_memory_for_ever_runs_out_of_memory() {
    let source = evaluating("(loop (drop (memory.grow (i32.const 16))) (br 0)) (unreachable)");
    let evaluation = run(&source, &Limits::default());
    assert_eq!(evaluation.outcome, Outcome::Denied(Denial::OutOfMemory));
    assert_eq!(evaluation.memory_bytes, Limits::default().memory_bytes);
    let little = Limits {
        memory_bytes: 65536,
        ..Limits::default()
    };
    assert_eq!(
        run(&source, &little).outcome,
        Outcome::Denied(Denial::OutOfMemory),
        "before it even begins"
    );
}

#[test]
fn a_policy_that_grows_a_table_for_ever_runs_out_of_it() {
    let source = evaluating(
        "(loop (drop (table.grow $table (ref.null func) (i32.const 1000))) (br 0)) (unreachable)",
    );
    assert_eq!(outcome(&source), Outcome::Denied(Denial::OutOfTable));
}

#[test]
fn endless_recursion_exhausts_the_native_stack_and_decides_nothing() {
    let source = evaluating("(call $evaluate (local.get 0))");
    assert_eq!(outcome(&source), Outcome::Undecided(Undecided::NativeStack));
}

#[test]
fn recursion_that_is_short_of_fuel_is_a_denial() {
    let evaluation = run(
        &evaluating("(call $evaluate (local.get 0))"),
        &Limits {
            fuel: 500,
            ..Limits::default()
        },
    );
    assert_eq!(evaluation.outcome, Outcome::Denied(Denial::OutOfFuel));
}

#[test]
fn a_policy_that_crashes_is_a_denial() {
    assert_eq!(
        outcome(&evaluating("(unreachable)")),
        Outcome::Denied(Denial::Trapped)
    );
    let division = evaluating("(i32.div_u (i32.const 1) (i32.const 0))");
    assert_eq!(outcome(&division), Outcome::Denied(Denial::Trapped));
    let beyond = evaluating("(i32.load (i32.const 2147483644))");
    assert_eq!(outcome(&beyond), Outcome::Denied(Denial::Trapped));
}

#[test]
fn wall_time_is_no_verdict() {
    // Fuel counts the instruction, not the megabyte that it fills.
    let source = evaluating(
        "(loop (memory.fill (i32.const 0) (i32.const 0) (i32.const 1048576)) (br 0)) (unreachable)",
    );
    let limits = Limits {
        fuel: u64::MAX,
        wall_ms: 30,
        ..Limits::default()
    };
    assert_eq!(
        run(&source, &limits).outcome,
        Outcome::Undecided(Undecided::WallTime)
    );
}

/// A verdict at 0 with one finding at 16 whose reason has this address and length.
fn reason_at(address: u32, length: u32) -> PolicySource {
    evaluating(&format!(
        "(i32.store8 (i32.const 0) (i32.const 1)) (i32.store (i32.const 4) (i32.const 16))
         (i32.store (i32.const 8) (i32.const 1)) (i32.store (i32.const 28) (i32.const {address}))
         (i32.store (i32.const 32) (i32.const {length})) (i32.const 0)"
    ))
}

#[test]
fn a_gigabyte_as_answer_is_refused_before_it_is_copied() {
    assert_eq!(
        outcome(&reason_at(0, 1 << 30)),
        Outcome::Denied(Denial::Trapped),
        "it is not even there"
    );
    assert_eq!(
        outcome(&reason_at(0, 1 << 20)),
        Outcome::Denied(Denial::OutputTooLarge)
    );
    let source = evaluating("(drop (memory.grow (i32.const 16384))) (i32.const 0)");
    assert_eq!(
        outcome(&source),
        Outcome::Denied(Denial::OutOfMemory),
        "it would have to be in memory"
    );
}

#[test]
fn a_small_answer_cannot_be_counted_many_times() {
    // 30,000 findings that all lie at the same place, each with a reason of a megabyte.
    let source = evaluating(
        "(i32.store (i32.const 4) (i32.const 16)) (i32.store (i32.const 8) (i32.const 30000)) (i32.const 0)",
    );
    assert_eq!(outcome(&source), Outcome::Denied(Denial::OutputTooLarge));
}

#[test]
fn an_answer_that_is_none_is_a_denial() {
    let not_text = with_data(
        r#"(data (i32.const 64) "\ff")"#,
        "(i32.store (i32.const 4) (i32.const 16)) (i32.store (i32.const 8) (i32.const 1)) (i32.store (i32.const 16) (i32.const 64)) (i32.store (i32.const 20) (i32.const 1)) (i32.const 0)",
    );
    assert_eq!(outcome(&not_text), Outcome::Denied(Denial::Trapped));
    assert_eq!(
        outcome(&answering(true, &[("control", 7, "no such status", &[])])),
        Outcome::Denied(Denial::Trapped)
    );
    assert_eq!(
        outcome(&evaluating("(i32.const 3)")),
        Outcome::Denied(Denial::Trapped),
        "not aligned"
    );
}

#[test]
fn an_allow_needs_a_finding_and_none_that_failed() {
    assert_eq!(
        outcome(&answering(true, &[])),
        Outcome::Denied(Denial::AllowWithoutFinding)
    );
    let failed = answering(true, &[FINDING, ("other", 1, "it is not so", &[])]);
    assert_eq!(
        outcome(&failed),
        Outcome::Denied(Denial::AllowWithFailedFinding)
    );
}

#[test]
fn a_finding_names_a_control_says_why_and_rests_on_the_dossier() {
    let invalid = Outcome::Denied(Denial::InvalidFinding);
    assert_eq!(outcome(&answering(true, &[("", 0, "why", &[])])), invalid);
    assert_eq!(
        outcome(&answering(true, &[("../control", 0, "why", &[])])),
        invalid
    );
    assert_eq!(
        outcome(&answering(true, &[("control", 0, " ", &[])])),
        invalid
    );
    assert_eq!(
        outcome(&answering(true, &[("control", 0, "a\u{1b}[2Jb", &[])])),
        invalid
    );
    assert_eq!(
        outcome(&answering(true, &[("control", 0, &"a".repeat(513), &[])])),
        invalid
    );
    assert!(matches!(
        outcome(&answering(true, &[("control", 0, &"a".repeat(512), &[])])),
        Outcome::Verdict(_)
    ));
    let unknown = Outcome::Denied(Denial::UnknownEntry);
    assert_eq!(
        outcome(&answering(true, &[("control", 0, "why", &["1"])])),
        unknown
    );
    assert_eq!(
        outcome(&answering(true, &[("control", 0, "why", &[&entry(2)])])),
        unknown
    );
    let upper = "A".repeat(64);
    assert_eq!(
        outcome(&answering(true, &[("control", 0, "why", &[&upper])])),
        unknown
    );
}

#[test]
fn there_are_only_so_many_findings() {
    assert!(matches!(
        outcome(&answering(true, &[FINDING; 256])),
        Outcome::Verdict(_)
    ));
    assert_eq!(
        outcome(&answering(true, &[FINDING; 257])),
        Outcome::Denied(Denial::TooManyFindings)
    );
}

#[test]
fn names_of_denials_are_stable() {
    let names: Vec<&str> = Denial::ALL.iter().map(|denial| denial.as_str()).collect();
    insta::assert_snapshot!(names.join(" "), @"out-of-fuel out-of-memory out-of-table output-too-large trapped undefined-rule wrong-type rule-failed invalid-finding unknown-entry too-many-findings allow-without-finding allow-with-failed-finding policy-not-signed");
    let names: Vec<&str> = Undecided::ALL
        .iter()
        .map(|undecided| undecided.as_str())
        .collect();
    insta::assert_snapshot!(names.join(" "), @"wall-time native-stack host-memory image-missing host-failure");
}
