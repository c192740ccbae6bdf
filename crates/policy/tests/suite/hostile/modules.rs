//! Attacks that only a component can make: in its start, its allocator, what is called after it answered, its own parts.

use policy::{Denial, Limits, Outcome, PolicySource, PublishError};

use super::{outcome, run};
use crate::support::component::policy;

/// A module whose parts are given; what is not is well-behaved.
fn module(memory: &str, allocator: &str, rest: &str) -> PolicySource {
    policy(&format!(
        r#"(module
            (memory (export "memory") {memory})
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) {allocator})
            (func $evaluate (export "evaluate") (param i32) (result i32) (i32.const 65000))
            {rest})"#
    ))
}

const ENDLESS: &str = "(loop (br 0)) (unreachable)";

fn little_fuel() -> Limits {
    Limits {
        fuel: 1_000_000,
        ..Limits::default()
    }
}

#[test]
fn a_loop_before_the_policy_is_called_runs_out_of_fuel() {
    let start = format!("(func $start {ENDLESS}) (start $start)");
    let evaluation = run(&module("1", "(i32.const 8)", &start), &little_fuel());
    assert_eq!(evaluation.outcome, Outcome::Denied(Denial::OutOfFuel));
    assert_eq!(evaluation.fuel, 1_000_000);
}

#[test]
fn a_loop_in_the_allocator_runs_out_of_fuel() {
    let evaluation = run(&module("1", ENDLESS, ""), &little_fuel());
    assert_eq!(evaluation.outcome, Outcome::Denied(Denial::OutOfFuel));
}

#[test]
fn a_loop_after_the_answer_runs_out_of_fuel() {
    let after = format!(r#"(func (export "cabi_post_evaluate") (param i32) {ENDLESS})"#);
    let evaluation = run(&module("1", "(i32.const 8)", &after), &little_fuel());
    assert_eq!(evaluation.outcome, Outcome::Denied(Denial::OutOfFuel));
}

#[test]
fn an_allocator_that_lies_is_a_trap() {
    for place in ["-1", "65536", "65535", "7"] {
        let lies = module("1", &format!("(i32.const {place})"), "");
        assert_eq!(outcome(&lies), Outcome::Denied(Denial::Trapped), "{place}");
    }
}

#[test]
fn a_trap_wherever_it_is_is_a_denial() {
    let start = module(
        "1",
        "(i32.const 8)",
        "(func $start (unreachable)) (start $start)",
    );
    assert_eq!(outcome(&start), Outcome::Denied(Denial::Trapped));
    assert_eq!(
        outcome(&module("1", "(unreachable)", "")),
        Outcome::Denied(Denial::Trapped)
    );
    let after = r#"(func (export "cabi_post_evaluate") (param i32) (unreachable))"#;
    assert_eq!(
        outcome(&module("1", "(i32.const 8)", after)),
        Outcome::Denied(Denial::Trapped)
    );
}

#[test]
fn what_wants_more_memory_or_table_than_there_is_does_not_begin() {
    // More than its limit, and than any evaluation's place has.
    let much = module("1025", "(i32.const 8)", "");
    assert_eq!(outcome(&much), Outcome::Denied(Denial::OutOfMemory));
    let refused = |source: &PolicySource| {
        let error = crate::support::sandbox().prepare(source).unwrap_err();
        assert!(error.is_the_authors(), "{error:?}");
        error
    };
    let most = module("65536", "(i32.const 8)", "");
    assert!(matches!(refused(&most), PublishError::Invalid(_)));
    let table = module("1", "(i32.const 8)", "(table 20001 funcref)");
    assert_eq!(outcome(&table), Outcome::Denied(Denial::OutOfTable));
    let table = module("1", "(i32.const 8)", "(table 4000000000 funcref)");
    assert!(matches!(refused(&table), PublishError::Invalid(_)));
    let tables = "(table 20 funcref)".repeat(100);
    let tables = module("1", "(i32.const 8)", &tables);
    assert!(matches!(refused(&tables), PublishError::Invalid(_)));
}

#[test]
fn a_table_that_calls_nothing_or_something_else_is_a_trap() {
    for element in ["", "(elem (i32.const 0) func $evaluate)"] {
        let start = format!(
            "(table 1 funcref) {element} (func $start (call_indirect (i32.const 0))) (start $start)"
        );
        let source = module("1", "(i32.const 8)", &start);
        assert_eq!(
            outcome(&source),
            Outcome::Denied(Denial::Trapped),
            "{element}"
        );
    }
}
