//! Six seed policies, three in Rego and three as components, over a dossier of 50 attestations.
//!
//! Beside it: each of them alone, and the floor, which is a component without memory that is instantiated, called and
//! dropped in a runtime with the same settings.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot begin has nothing to measure"
)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use policy::{
    Config, DossierInput, Limits, PolicyForm, Prepared, Sandbox, Task, evaluate_all, stock,
};
use serde_json::{Value, json};
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};

/// The policies, and the form in which each runs.
const POLICIES: [(&str, PolicyForm); 6] = [
    ("unit-tested", PolicyForm::Rego),
    ("reviewed-merge", PolicyForm::Rego),
    ("security-scanned", PolicyForm::Rego),
    ("integration-tested", PolicyForm::Component),
    ("provenance", PolicyForm::Component),
    ("four-eyes", PolicyForm::Component),
];

fn hex(number: u64, digits: usize) -> String {
    format!("{number:0digits$x}")
}

/// What the numbered attestation says; every kind of evidence has its turn.
fn evidence(number: u64) -> (&'static str, &'static str, &'static str, String, Value) {
    match number % 5 {
        0 => {
            let suites: Vec<Value> = (0..4)
                .map(|suite| json!({ "errors": 0, "failed": 0, "name": format!("suite-{suite}"), "passed": 25, "skipped": 0, "tests": 25 }))
                .collect();
            let name = if number.is_multiple_of(10) {
                "unit-tests"
            } else {
                "integration-tests"
            };
            let facts = json!({ "duration_ms": 1234, "errors": 0, "failed": 0, "failures": [], "passed": 100, "skipped": 0, "suites": suites, "tests": 100 });
            ("junit", "junit.v1", "passed", name.into(), facts)
        }
        1 => {
            let facts = json!({ "approvers": ["person-00000000000000bb"], "author": "person-00000000000000aa", "base": "main", "commits": [hex(number, 40)], "head": hex(number, 40), "number": number, "provider": "github", "repository": "example/pay", "stale_approvers": [], "state": "merged", "unregistered_people": 0, "url": format!("https://git.example/pay/{number}") });
            (
                "pull-request",
                "pull-request.v1",
                "passed",
                format!("pull-request-{number}"),
                facts,
            )
        }
        2 => {
            let findings: Vec<Value> = (0..6)
                .map(|rule| json!({ "location": format!("src/file-{rule}.rs:{number}"), "rule": format!("rule-{rule}"), "severity": "low" }))
                .collect();
            let facts = json!({ "by_severity": { "critical": 0, "high": 0, "low": 6, "medium": 0, "none": 0 }, "failed_runs": 0, "findings": findings, "results": 6, "suppressed": 0, "tools": [{ "name": "scan", "version": "1.2.3" }] });
            (
                "sarif",
                "sarif.v1",
                "passed",
                format!("scan-{}", number % 3),
                facts,
            )
        }
        3 => {
            let facts = json!({ "build_url": "https://ci.example/1", "builder": "https://ci.example", "commit": hex(1, 40), "commits": 10, "contains": [], "materials": 3, "repository": "https://git.example/pay" });
            (
                "provenance",
                "provenance.v1",
                "neutral",
                "build".into(),
                facts,
            )
        }
        _ => (
            "generic",
            "generic.v1",
            "passed",
            format!("check-{number}"),
            json!({ "data": { "note": "as it should be" }, "outcome": "passed" }),
        ),
    }
}

fn dossier() -> DossierInput {
    let attestations: Vec<Value> = (0..50)
        .map(|number| {
            let (kind, schema, outcome, name, facts) = evidence(number);
            json!({ "entry": hex(number, 64), "facts": facts, "flow": "pay", "foreign": number % 25 == 24, "name": name, "outcome": outcome, "recorded_ms": 1_000 + number, "reporter": "key-0000000000000001", "schema": schema, "subject": "artifact", "type": kind })
        })
        .collect();
    let commits: Vec<Value> = (0..50)
        .filter(|number| number % 5 == 1)
        .map(|number| json!({ "people": ["person-00000000000000aa"], "sha": hex(number, 40), "unregistered": 0 }))
        .collect();
    let approval = json!({ "entry": hex(99, 64), "expires_ms": 2_000_000, "person": "person-00000000000000bb", "recorded_ms": 1, "status": "valid" });
    let dossier = json!({
        "approvals": [approval],
        "attestations": attestations,
        "change": { "commits": commits, "complete": true },
        "now_ms": 1_000_000,
        "required": [],
        "subject": { "environment": "production", "fingerprint": hex(1, 64), "flow": "pay", "name": "pay", "trail": "run-1" },
    });
    let dossier: model::Dossier = serde_json::from_value(dossier).unwrap();
    DossierInput::new(&dossier).unwrap()
}

fn evaluate(criterion: &mut Criterion) {
    let sandbox = Sandbox::new(Config::default()).unwrap();
    let policies: Vec<Prepared> = POLICIES
        .iter()
        .map(|(control, form)| {
            sandbox
                .prepare(&stock::seed(control, *form).unwrap().source())
                .unwrap()
        })
        .collect();
    let input = dossier();
    let limits = Limits::default();
    let tasks: Vec<Task<'_>> = policies
        .iter()
        .map(|policy| Task {
            policy,
            parameters: "{}",
        })
        .collect();
    let size = input.canonical().len();

    let mut group = criterion.benchmark_group(format!("50 attestations, {size} bytes"));
    for (policy, (control, form)) in policies.iter().zip(POLICIES) {
        let evaluation = policy.evaluate(&input, "{}", &limits);
        assert!(evaluation.allows(), "{control}: {evaluation:?}");
        group.bench_function(
            format!("{control}, {form:?}, {} fuel", evaluation.fuel),
            |bencher| {
                bencher.iter(|| black_box(policy.evaluate(&input, "{}", &limits)));
            },
        );
    }
    group.bench_function("six policies, one thread", |bencher| {
        bencher.iter(|| {
            for policy in &policies {
                black_box(policy.evaluate(&input, "{}", &limits));
            }
        });
    });
    group.bench_function("six policies, two threads", |bencher| {
        bencher.iter(|| black_box(evaluate_all(&tasks, &input, &limits)));
    });
    group.finish();
}

fn floor(criterion: &mut Criterion) {
    let mut config = wasmtime::Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .concurrency_support(false);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(
        PoolingAllocationConfig::new(),
    ));
    let engine = Engine::new(&config).unwrap();
    let text = r#"(component
        (core module $m (func (export "f")))
        (core instance $i (instantiate $m))
        (func (export "f") (canon lift (core func $i "f"))))"#;
    let component = Component::from_binary(&engine, &wat::parse_str(text).unwrap()).unwrap();
    let pre = Linker::<()>::new(&engine)
        .instantiate_pre(&component)
        .unwrap();
    criterion.bench_function("floor: bare instantiation and call", |bencher| {
        bencher.iter(|| {
            let mut store = Store::new(&engine, ());
            store.set_fuel(1_000).unwrap();
            store.set_epoch_deadline(1);
            let instance = pre.instantiate(&mut store).unwrap();
            let function = instance.get_typed_func::<(), ()>(&mut store, "f").unwrap();
            function.call(&mut store, ()).unwrap();
        });
    });
}

criterion_group!(benches, floor, evaluate);
criterion_main!(benches);
