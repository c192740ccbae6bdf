//! What a policy finds of WASI, tried by way of the adapter that compilers for its preview 1 use.

use policy::{Denial, Limits, Outcome, PolicySource};
use serde_json::json;

use crate::support::{component, dossier, sandbox};

/// Makes a policy that imports functions of preview 1, runs `body` and then allows.
fn policy(body: &str) -> PolicySource {
    component::policy(&format!(
        r#"(module
            (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
            (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "fd_prestat_get" (func $preopen (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environment (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "args_sizes_get" (func $arguments (param i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
            (memory (export "memory") 16)
            (global $free (mut i32) (i32.const 131072))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (global.set $free (i32.and (i32.add (global.get $free) (i32.const 7)) (i32.const -8)))
                (global.get $free)
                (global.set $free (i32.add (global.get $free) (local.get 3))))
            ;; The verdict: it allows, with one finding about `c`, satisfied because `r`.
            (data (i32.const 0) "\01\00\00\00\10\00\00\00\01\00\00\00")
            (data (i32.const 16) "\40\00\00\00\01\00\00\00\00\00\00\00\41\00\00\00\01\00\00\00")
            (data (i32.const 64) "cr")
            ;; A list of one text of five bytes.
            (data (i32.const 80) "\60\00\00\00\05\00\00\00")
            (data (i32.const 96) "hello")
            (func $must (param i32) (if (i32.eqz (local.get 0)) (then (unreachable))))
            (func (export "evaluate") (param i32) (result i32)
                {body}
                (i32.const 0)))"#
    ))
}

fn outcome(body: &str, now_ms: u64) -> Outcome {
    let policy = sandbox().prepare(&policy(body)).unwrap();
    let input = dossier(json!({ "now_ms": now_ms }));
    policy.evaluate(&input, "{}", &Limits::default()).outcome
}

fn allows(body: &str) {
    let outcome = outcome(body, 1_000_000);
    assert!(
        matches!(&outcome, Outcome::Verdict(verdict) if verdict.allow),
        "{outcome:?}"
    );
}

#[test]
fn the_wall_clock_stands_at_the_decisions_time_and_the_other_at_zero() {
    let wall = "(call $must (i32.eqz (call $clock (i32.const 0) (i64.const 1) (i32.const 1024))))
        (call $must (i64.eq (i64.load (i32.const 1024)) (i64.const 1000000000000)))";
    allows(wall);
    assert_eq!(
        outcome(wall, 1_000_001),
        Outcome::Denied(Denial::Trapped),
        "a millisecond later"
    );
    allows(
        "(call $must (i32.eqz (call $clock (i32.const 1) (i64.const 1) (i32.const 1024))))
         (call $must (i64.eqz (i64.load (i32.const 1024))))",
    );
}

#[test]
fn randomness_is_zero() {
    allows(
        "(i64.store (i32.const 1024) (i64.const -1))
         (call $must (i32.eqz (call $random (i32.const 1024) (i32.const 8))))
         (call $must (i64.eqz (i64.load (i32.const 1024))))",
    );
}

#[test]
fn there_is_no_environment_no_argument_and_no_folder() {
    allows(
        "(call $must (i32.eqz (call $environment (i32.const 1024) (i32.const 1028))))
         (call $must (i32.eqz (i32.load (i32.const 1024))))
         (call $must (i32.eqz (call $arguments (i32.const 1024) (i32.const 1028))))
         (call $must (i32.eqz (i32.load (i32.const 1024))))
         (call $must (call $preopen (i32.const 3) (i32.const 1024)))",
    );
}

#[test]
fn what_is_written_is_forgotten() {
    for stream in [1, 2] {
        allows(&format!(
            "(call $must (i32.eqz (call $write (i32.const {stream}) (i32.const 80) (i32.const 1) (i32.const 1024))))
             (call $must (i32.eq (i32.load (i32.const 1024)) (i32.const 5)))"
        ));
    }
}

#[test]
fn there_is_nothing_to_read() {
    allows(
        "(call $must (i32.eqz (call $read (i32.const 0) (i32.const 80) (i32.const 1) (i32.const 1024))))
         (call $must (i32.eqz (i32.load (i32.const 1024))))",
    );
}

#[test]
fn leaving_is_no_answer() {
    assert_eq!(
        outcome("(call $exit (i32.const 0))", 1),
        Outcome::Denied(Denial::Trapped)
    );
}

#[test]
fn what_the_host_does_is_paid_for_in_fuel() {
    for call in [
        "(drop (call $clock (i32.const 0) (i64.const 1) (i32.const 1024)))",
        "(drop (call $random (i32.const 1024) (i32.const 4096)))",
        "(drop (call $write (i32.const 1) (i32.const 80) (i32.const 1) (i32.const 1024)))",
    ] {
        let endless = format!("(loop $again {call} (br $again))");
        assert_eq!(
            outcome(&endless, 1),
            Outcome::Denied(Denial::OutOfFuel),
            "{call}"
        );
    }
}
