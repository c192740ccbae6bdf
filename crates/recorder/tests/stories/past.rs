//! The past as a test bed: every decision made again, and another policy tried on it.

use std::num::NonZero;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use journal::verify::{Pin, VerifiedBundle, open_for_replay};
use model::kind::{ExceptionScope, Verdict};
use policy::{PolicyForm, PolicySource};
use recorder::*;
use serde_json::json;

use crate::world::*;

/// Denies whatever has fewer attestations than its parameters say.
const ENOUGH: &str = r#"package enough

default allow := false

allow if count(input.attestations) >= object.get(input.parameters, "least", 2)

findings := [{"control": "enough-evidence", "status": status, "reason": reason, "entries": []}]

status := "satisfied" if allow else := "failed"

reason := "there is enough" if allow else := "there is too little"
"#;

/// Six decisions, by rules that change meanwhile: artifact 1 is tested, 2 has failed tests, 3 has none.
async fn journal(world: &World) {
    for (trail, byte) in [("one", 1), ("two", 2), ("three", 3)] {
        world
            .built(trail, byte, "email:alice@example.com", None)
            .await;
    }
    world.tested("one", 1, false).await;
    world.tested("two", 2, true).await;
    world
        .bind(world.publish("unit-tested", PolicyForm::Component).await)
        .await;
    for byte in [1, 2, 3] {
        world.decide(byte).await;
    }
    let rego = policy::stock::seed("unit-tested", PolicyForm::Rego).unwrap();
    world
        .bind(world.publish_source("tested-in-rego", rego.source()).await)
        .await;
    for byte in [1, 2, 3] {
        world.decide(byte).await;
    }
}

async fn tried(world: &World, byte: u8, rego: Option<&str>) {
    let policy = |rego: &str| TrialPolicy {
        name: name("own"),
        parameters: json!({ "least": 1 }),
        rego: rego.to_owned(),
    };
    let request = TrialRequest {
        environment: rego.is_none().then(|| name("production")),
        fingerprint: fingerprint(byte),
        flow: None,
        policies: rego.map(policy).into_iter().collect(),
        trail: None,
    };
    world.recorder.trial(&world.ci, &request).await.unwrap();
}

async fn exported(world: &World) -> VerifiedBundle {
    let whole = world.recorder.export_journal(&world.ci, Vec::new());
    let whole = whole.await.unwrap();
    open_for_replay(whole.as_slice(), &Pin::default()).unwrap()
}

/// A bundle about artifact 1.
async fn about_one(world: &World) -> Vec<u8> {
    let export = world
        .recorder
        .export_artifact(&world.ci, &fingerprint(1), Vec::new())
        .await;
    export.unwrap()
}

/// One place for policies, so that each is made ready once.
static POLICIES: LazyLock<Policies> = LazyLock::new(policies);

/// Replays all there is, and returns how many of it ran their policies.
fn replay_all(bundle: &VerifiedBundle, policies: &Policies, threads: usize) -> (usize, usize) {
    let past = Past::new(bundle).unwrap();
    let (mut all, mut ran) = (0, 0);
    for_all(
        past.asked(),
        NonZero::new(threads),
        |asked| past.replay(asked, policies),
        |_, replayed| {
            let replayed = replayed.unwrap();
            assert!(replayed.unproved.is_empty());
            all += 1;
            ran += usize::from(replayed.policies_ran);
        },
    );
    (all, ran)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_decision_and_trial_is_the_same_on_any_number_of_threads_and_under_load() {
    let world = World::solo().await;
    journal(&world).await;
    tried(&world, 1, None).await;
    tried(&world, 2, Some(ENOUGH)).await;
    world.tested("one", 1, true).await;
    world.decide(1).await;
    let bundle = exported(&world).await;
    for threads in [1, 2, 7] {
        assert_eq!(replay_all(&bundle, &POLICIES, threads), (9, 8), "{threads}");
    }
    let over = AtomicBool::new(false);
    let busy = || {
        while !over.load(Ordering::Relaxed) {
            std::hint::spin_loop();
        }
    };
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(busy);
        }
        let replayed = thread::scope(|inner| {
            let work = inner.spawn(|| replay_all(&bundle, &POLICIES, 4));
            work.join()
        });
        over.store(true, Ordering::Relaxed);
        assert_eq!(replayed.unwrap(), (9, 8));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_compiled_anew_decides_the_same() {
    let world = World::solo().await;
    journal(&world).await;
    let bundle = exported(&world).await;
    let cold = Policies::new(policy::stock::engine().into(), None).unwrap();
    assert_eq!(replay_all(&bundle, &cold, 2), (6, 6));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_past_of_one_artifact_is_enough_to_replay_its_decisions() {
    let world = World::solo().await;
    journal(&world).await;
    let about = about_one(&world).await;
    let bundle = open_for_replay(about.as_slice(), &Pin::default()).unwrap();
    assert_eq!(replay_all(&bundle, &POLICIES, 2), (2, 2));
}

fn candidate(measure: Measure, parameters: Option<serde_json::Value>) -> Candidate {
    let source = PolicySource::Rego(ENOUGH.into());
    Candidate {
        name: name("enough"),
        parameters,
        prepared: POLICIES.candidate(&source).unwrap(),
        measure,
    }
}

/// For each decision, whether it was and would be allowed; nothing where the candidate has no part in it.
fn impact(bundle: &VerifiedBundle, candidate: &Candidate) -> Vec<Option<(bool, bool)>> {
    let past = Past::new(bundle).unwrap();
    let allowed = |said: &Said| said.verdict == Verdict::Allowed;
    let of = |asked| match past.impact(asked, candidate).unwrap() {
        Impact::Weighed { was, would } => {
            for said in [&was, &would] {
                assert_eq!(said.reasons.is_empty(), allowed(said), "{said:?}");
            }
            Some((allowed(&was), allowed(&would)))
        }
        other => {
            assert_eq!(other, Impact::Untouched);
            None
        }
    };
    past.asked().iter().map(of).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_is_measured_by_what_was_said_of_the_same_dossier() {
    let world = World::solo().await;
    journal(&world).await;
    let bundle = exported(&world).await;
    // Artifacts 1 and 2 have two attestations, 3 has one: provenance counts.
    let (same, flips, both) = (
        Some((true, true)),
        Some((false, true)),
        Some((false, false)),
    );
    let alone = |name_of: &str, least: Option<u64>| {
        let parameters = least.map(|least| json!({ "least": least }));
        impact(
            &bundle,
            &candidate(Measure::Alone(name(name_of)), parameters),
        )
    };
    assert_eq!(
        alone("unit-tested", None),
        [same, flips, both, same, flips, both]
    );
    assert_eq!(
        alone("nobody", None),
        [same, flips, both, same, flips, both]
    );
    let denied = Some((true, false));
    assert_eq!(
        alone("unit-tested", Some(3)),
        [denied, both, both, denied, both, both]
    );

    let instead = |name_of: &str, least: u64| {
        let measure = Measure::InsteadOf(name(name_of));
        impact(
            &bundle,
            &candidate(measure, Some(json!({ "least": least }))),
        )
    };
    // Where another policy denies as well, it still does.
    assert_eq!(
        instead("unit-tested", 2),
        [same, flips, both, same, both, both]
    );
    assert_eq!(
        instead("tested-in-rego", 3),
        [None, None, None, denied, both, both]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exception_from_the_replaced_policy_is_none_from_the_candidate() {
    let world = World::solo().await;
    world.built("two", 2, "email:alice@example.com", None).await;
    world.tested("two", 2, true).await;
    let strict = world.publish("unit-tested", PolicyForm::Component).await;
    world.bind(strict).await;
    world.decide(2).await;
    let grant = GrantException {
        binding: world.recorder.definitions().bindings()[0].entry,
        control: None,
        environment: name("production"),
        expires_ms: world.recorder.now_ms() + 60_000,
        reason: "the test cluster is down".into(),
        scope: ExceptionScope::Artifact(fingerprint(2)),
    };
    let granted = world.recorder.grant_exception(&world.bob.1, grant).await;
    granted.unwrap();
    assert_eq!(world.decide(2).await.verdict, Verdict::Allowed);
    let bundle = exported(&world).await;
    assert_eq!(replay_all(&bundle, &policies(), 2), (2, 2));

    let (denied, excepted) = (Some((false, false)), Some((true, false)));
    for measure in [Measure::Alone, Measure::InsteadOf] {
        let by = |least: u64| {
            let measure = measure(name("unit-tested"));
            candidate(measure, Some(json!({ "least": least })))
        };
        assert_eq!(impact(&bundle, &by(3)), [denied, excepted]);
        let flips = [Some((false, true)), Some((true, true))];
        assert_eq!(impact(&bundle, &by(2)), flips);
        let past = Past::new(&bundle).unwrap();
        let Impact::Weighed { was, would } = past.impact(&past.asked()[1], &by(3)).unwrap() else {
            panic!("the candidate has a part in it");
        };
        assert_eq!((was.exceptions, would.exceptions), (1, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dossier_that_is_not_the_one_that_was_seen_is_not_looked_at() {
    let world = World::solo().await;
    journal(&world).await;
    let about = about_one(&world).await;
    let bundle = open_for_replay(about.as_slice(), &Pin::default()).unwrap();
    let past = Past::new(&bundle).unwrap();
    let mut asked = past.asked()[0].clone();
    asked.question.now_ms += 1;
    let measure = Measure::Alone(name("unit-tested"));
    let error = past.impact(&asked, &candidate(measure, None)).unwrap_err();
    assert!(error.to_string().contains("differs in dossier"), "{error}");
}
