//! The same evaluation says the same, uses the same fuel and the same memory: whatever else the machine does, in every
//! process, with a cache and without one.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::{env, thread};

use crate::support::component::{evaluating, with_data};
use crate::support::{dossier, entry, sandbox};
use policy::{
    Cache, Config, DossierInput, Evaluation, Limits, Outcome, PolicyForm, PolicySource, Prepared,
    Sandbox, stock,
};
use serde_json::json;

/// Says in which folder a child of the tests below keeps compiled policies; only such a child has it.
const CHILD: &str = "TRAILMARK_TEST_DETERMINISM_CACHE";
/// What the line begins with that a child answers by.
const ANSWER: &str = "evaluations: ";

/// Whatever could show an order, a locale or a clock in its reason.
const SHOWING: &str = r#"
package test.showing

allow := true

findings := [{"control": "showing", "status": "satisfied", "reason": reason, "entries": []}]

keys := concat(",", [key | some key, _ in input.attestations[0].facts.data])

members := concat(",", {lower(key) | some key, _ in input.attestations[0].facts.data})

values := {key: value | some key, value in input.attestations[0].facts.data}

matched := [key | some key, _ in input.attestations[0].facts.data; regex.match(`^[k-z]+$`, key)]

reason := concat(" ", [keys, members, upper("istanbul"), sprintf("%v %d", [values, 1234567]), concat(",", matched)])
"#;

fn input() -> DossierInput {
    let facts =
        json!({ "data": { "Ivy": 1, "ash": 2, "oak": 1, "yew": 2, "İ": 1 }, "outcome": "passed" });
    dossier(json!({ "attestations": [{
        "entry": entry(1), "facts": facts, "flow": "pay", "foreign": false, "name": "unit-tests", "outcome": "passed",
        "recorded_ms": 1, "schema": "generic.v1", "subject": "artifact", "type": "generic",
    }]}))
}

fn sources() -> [PolicySource; 3] {
    let seed = |control, form| stock::seed(control, form).unwrap().source();
    [
        PolicySource::Rego(SHOWING.into()),
        seed("reviewed-merge", PolicyForm::Rego),
        seed("unit-tested", PolicyForm::Component),
    ]
}

fn prepared(sandbox: &Sandbox) -> Vec<Prepared> {
    sources()
        .iter()
        .map(|source| sandbox.prepare(source).unwrap())
        .collect()
}

fn evaluations(policies: &[Prepared]) -> Vec<Evaluation> {
    let input = input();
    policies
        .iter()
        .map(|policy| policy.evaluate(&input, "{}", &Limits::default()))
        .collect()
}

fn text(evaluations: &[Evaluation]) -> String {
    serde_json::to_string(evaluations).unwrap()
}

/// Evaluates in another process, which keeps its compiled policies in `cache`.
fn elsewhere(cache: &str, surroundings: &[(&str, &str)]) -> String {
    let output = Command::new(env::current_exe().unwrap())
        .args([
            "determinism::a_process_answers_its_parent",
            "--exact",
            "--nocapture",
        ])
        .env(CHILD, cache)
        .envs(surroundings.iter().copied())
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    let answer = printed
        .lines()
        .find_map(|line| Some(line.split_once(ANSWER)?.1));
    answer
        .unwrap_or_else(|| panic!("the child did not answer: {printed}"))
        .to_owned()
}

#[test]
fn a_process_answers_its_parent() {
    let sandbox = match env::var(CHILD) {
        Ok(folder) => Sandbox::new(Config {
            cache: Some(Cache::in_folder(folder, [1; 32])),
            ..Config::default()
        })
        .unwrap(),
        Err(_) => sandbox(),
    };
    let evaluations = evaluations(&prepared(&sandbox));
    assert!(evaluations[0].allows(), "{evaluations:?}");
    println!("{ANSWER}{}", text(&evaluations));
}

#[test]
fn time_zone_locale_hash_seeds_and_the_cache_do_not_show_through() {
    let here = text(&evaluations(&prepared(&sandbox())));
    let cache = tempfile::tempdir().unwrap();
    let folder = cache.path().to_str().unwrap();
    let cold = elsewhere(
        folder,
        &[("TZ", "Pacific/Kiritimati"), ("LC_ALL", "tr_TR.UTF-8")],
    );
    assert_eq!(cold, here, "another time zone and locale, a cold cache");
    let warm = elsewhere(folder, &[("TZ", "America/Caracas"), ("LC_ALL", "C")]);
    assert_eq!(warm, here, "another time zone and locale, a warm cache");
}

#[test]
fn load_and_the_number_of_threads_do_not_show_through() {
    let policies = prepared(&sandbox());
    let alone = evaluations(&policies);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        for threads in [1, 3, 8] {
            let work = || (0..5).map(|_| evaluations(&policies)).collect::<Vec<_>>();
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            for worker in workers {
                for evaluations in worker.join().unwrap() {
                    assert_eq!(evaluations, alone, "{threads} threads");
                }
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn keys_and_members_come_in_the_order_of_their_bytes() {
    let evaluation = evaluations(&prepared(&sandbox())).swap_remove(0);
    let Outcome::Verdict(verdict) = evaluation.outcome else {
        panic!("{evaluation:?}");
    };
    insta::assert_snapshot!(verdict.findings[0].reason);
}

#[test]
fn what_is_no_number_has_one_form() {
    // Every way to make one ends in the same bits, or the policy traps.
    let ways = [
        "(f64.div (local.get $zero) (local.get $zero))",
        "(f64.neg (f64.sqrt (f64.const -1)))",
        "(f64.add (f64.load (i32.const 1024)) (f64.const 1))",
        "(f64.mul (f64.load (i32.const 1032)) (local.get $zero))",
        "(f64.promote_f32 (f32.load (i32.const 1040)))",
        "(f64.min (f64.load (i32.const 1032)) (f64.const 1))",
    ];
    for way in ways {
        let policy = with_data(
            r#"(data (i32.const 1024) "\01\00\00\00\00\00\f0\7f\ff\ff\ff\ff\ff\ff\ff\ff\01\00\a0\ff")"#,
            &format!(
                "(local $zero f64)
                (if (i64.ne (i64.reinterpret_f64 (f64.abs {way})) (i64.const 0x7ff8000000000000))
                    (then unreachable))
                (i32.const 0)"
            ),
        );
        let policy = sandbox().prepare(&policy).unwrap();
        let evaluation = policy.evaluate(&input(), "{}", &Limits::default());
        assert!(
            matches!(&evaluation.outcome, Outcome::Verdict(verdict) if !verdict.allow),
            "{way}: {evaluation:?}"
        );
    }
}

#[test]
fn an_instance_finds_nothing_of_the_one_before() {
    // It answers as long as it finds memory empty where it leaves a mark.
    let policy = evaluating(
        "(if (i32.load (i32.const 500000)) (then unreachable))
        (i32.store (i32.const 500000) (i32.const 1))
        (i32.const 0)",
    );
    let policy = sandbox().prepare(&policy).unwrap();
    let first = policy.evaluate(&input(), "{}", &Limits::default());
    assert!(matches!(first.outcome, Outcome::Verdict(_)), "{first:?}");
    for _ in 0..200 {
        assert_eq!(policy.evaluate(&input(), "{}", &Limits::default()), first);
    }
}
