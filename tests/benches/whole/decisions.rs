//! Decisions: six policies, half of them Rego and half components, over a dossier of 50 attestations.

use std::time::Duration;

use model::Fingerprint;
use model::kind::Scope;
use policy::{DossierInput, Limits, PolicyForm, PolicySource};
use recorder::*;

use crate::client::quantile_of;
use crate::timed;
use crate::world::{World, name, trail_begins};

const ATTESTATIONS: usize = 50;
const DECISIONS: usize = 500;

/// Half and half.
const POLICIES: [(&str, PolicyForm); 6] = [
    ("unit-tested", PolicyForm::Rego),
    ("reviewed-merge", PolicyForm::Rego),
    ("security-scanned", PolicyForm::Rego),
    ("integration-tested", PolicyForm::Component),
    ("provenance", PolicyForm::Component),
    ("four-eyes", PolicyForm::Component),
];

pub async fn run(world: &World) {
    let fingerprint = Fingerprint([5; 32]);
    fill(world, fingerprint).await;
    for (control, form) in POLICIES {
        let source: PolicySource = policy::stock::seed(control, form).unwrap().source();
        let policy = world
            .recorder
            .publish_policy(&world.admin, name(control), source)
            .await
            .unwrap();
        let scope = Scope::Environment(name("production"));
        let bind = BindPolicy {
            advisory: false,
            from_ms: None,
            parameters: serde_json::Value::Null,
            policy,
            scope,
        };
        world
            .recorder
            .bind_policy(&world.admin, bind)
            .await
            .unwrap();
    }
    let request = DecideRequest {
        environment: name("production"),
        fingerprint,
        flow: None,
        permit: None,
        trail: None,
    };
    let ci = world.ci();
    let mut whole = Vec::new();
    for turn in 0..DECISIONS + 50 {
        let (decision, took) = timed(world.recorder.decide(&ci, &request)).await;
        assert_eq!(decision.unwrap().grounds.policies.len(), POLICIES.len());
        if turn >= 50 {
            whole.push(took);
        }
    }
    show("decide, 6 policies over 50 attestations", whole);

    let mut building = Vec::new();
    let mut dossier = None;
    for _ in 0..DECISIONS {
        let (built, took) = timed(world.recorder.dossier(
            fingerprint,
            None,
            None,
            name("production"),
        ))
        .await;
        dossier = Some(built.unwrap());
        building.push(took);
    }
    show("    of it: dossier", building);
    evaluations(&dossier.unwrap());
    let mut appends = Vec::new();
    for _ in 0..DECISIONS {
        let event = serde_json::from_str(&world.attestation(1)).unwrap();
        let (_, took) = timed(world.record(event)).await;
        appends.push(took);
    }
    show("    of it: one durable append", appends);
}

fn evaluations(dossier: &model::Dossier) {
    let sandbox = policy::Sandbox::new(policy::Config {
        cache: Some(policy::Cache::in_folder(
            concat!(env!("CARGO_TARGET_TMPDIR"), "/bench-policies"),
            [7; 32],
        )),
        engine: Some(policy::stock::engine().into()),
        ..policy::Config::default()
    })
    .unwrap();
    let prepared: Vec<_> = POLICIES
        .iter()
        .map(|(control, form)| {
            sandbox
                .prepare(&policy::stock::seed(control, *form).unwrap().source())
                .unwrap()
        })
        .collect();
    let tasks: Vec<policy::Task<'_>> = prepared
        .iter()
        .map(|policy| policy::Task {
            policy,
            parameters: "{}",
        })
        .collect();
    let mut times = Vec::new();
    for _ in 0..DECISIONS {
        let start = std::time::Instant::now();
        let input = DossierInput::new(dossier).unwrap();
        let evaluations = policy::evaluate_all(&tasks, &input, &Limits::default());
        times.push(start.elapsed());
        assert_eq!(evaluations.len(), POLICIES.len());
    }
    show("    of it: six evaluations", times);
}

async fn fill(world: &World, fingerprint: Fingerprint) {
    world.record(trail_begins("decided")).await;
    let commit = "5".repeat(40);
    let provenance = serde_json::json!({"builder": "bench", "commit": commit, "repository": "https://git.example/bench",
        "commits": [{"authors": ["email:author@example.com"], "sha": commit}]});
    world
        .record(Event::Artifact(RecordArtifact {
            fingerprint,
            flow: name("bench"),
            name: "bench".into(),
            provenance: serde_json::from_value(provenance).unwrap(),
            trail: name("decided"),
        }))
        .await;
    for turn in 1..ATTESTATIONS {
        let (evidence, called, report) = match turn % 3 {
            0 => ("junit", "unit-tests", junit()),
            1 => ("sarif", "security-scan", sarif()),
            _ => ("junit", "integration-tests", junit()),
        };
        world
            .record(Event::Attestation(Attest {
                fingerprint: Some(fingerprint),
                flow: name("bench"),
                name: name(called),
                report: Report::Text(report),
                trail: name("decided"),
                attestation_type: name(evidence),
            }))
            .await;
    }
}

fn junit() -> String {
    let cases: String = (0..40)
        .map(|case| format!("<testcase name='case {case}'/>"))
        .collect();
    format!("<testsuite name='suite'>{cases}</testsuite>")
}

fn sarif() -> String {
    let results: Vec<String> = (0..8)
        .map(|result| {
            format!(r#"{{"ruleId":"rule-{result}","level":"note","message":{{"text":"m"}}}}"#)
        })
        .collect();
    format!(
        r#"{{"version":"2.1.0","runs":[{{"tool":{{"driver":{{"name":"scan","version":"1"}}}},"results":[{}]}}]}}"#,
        results.join(",")
    )
}

fn show(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    println!(
        "{what:<46} p50 {:?}, p99 {:?}",
        quantile_of(&times, 0.5),
        quantile_of(&times, 0.99)
    );
}
