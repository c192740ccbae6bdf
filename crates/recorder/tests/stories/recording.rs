//! What is recorded, by whom, and what is refused with nothing recorded.

use model::kind::{AccessRole, FlowPattern, Grant};
use model::{Class, Role, StreamName};
use recorder::*;
use store::Direction;

use crate::world::{World, artifact, authenticated, fingerprint, name, unit_tests};

fn submitted(event: Event) -> Submission {
    Submission {
        event,
        claimed_ms: None,
        idempotency: None,
    }
}

async fn refused(world: &World, submissions: Vec<Submission>) -> RecorderError {
    let size = world.recorder.store().status().await.unwrap().size;
    let error = world
        .recorder
        .record(&world.ci, submissions)
        .await
        .unwrap_err();
    assert_eq!(
        world.recorder.store().status().await.unwrap().size,
        size,
        "something was recorded"
    );
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_for_what_does_not_exist_is_refused() {
    let world = World::solo().await;
    let cases = [
        (
            artifact("one", 1, "email:a@x", None),
            "trail `payments/one` does not exist",
        ),
        (
            unit_tests("one", 1, false),
            "trail `payments/one` does not exist",
        ),
    ];
    for (event, text) in cases {
        assert_eq!(
            refused(&world, vec![submitted(event)]).await.to_string(),
            text
        );
    }
    world.built("one", 1, "email:alice@example.com", None).await;
    let Event::Attestation(tests) = unit_tests("one", 2, false) else {
        unreachable!()
    };
    let unknown = refused(&world, vec![submitted(Event::Attestation(tests.clone()))]).await;
    assert_eq!(unknown.class(), Class::NotFound);
    let foreign = Attest {
        flow: name("nobody"),
        ..tests
    };
    let flow = refused(&world, vec![submitted(Event::Attestation(foreign))]).await;
    assert_eq!(flow.to_string(), "flow `nobody` does not exist");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_recorded_whole_or_not_at_all_and_says_which_event_is_wrong() {
    let world = World::solo().await;
    world.built("one", 1, "email:alice@example.com", None).await;
    let mut batch: Vec<_> = (0..20)
        .map(|_| submitted(unit_tests("one", 1, false)))
        .collect();
    let Event::Attestation(tests) = unit_tests("one", 1, false) else {
        unreachable!()
    };
    let report = Report::Text("<testsuite>".into());
    batch[16] = submitted(Event::Attestation(Attest { report, ..tests }));
    let error = refused(&world, batch).await;
    assert!(matches!(error, RecorderError::InBatch { at: 16, .. }));
    assert_eq!(error.class(), Class::Caller);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_may_begin_a_trail_and_use_it() {
    let world = World::solo().await;
    let trail = Event::Trail(BeginTrail {
        build_url: None,
        commit: None,
        flow: name("payments"),
        repository: None,
        trail: name("one"),
    });
    let batch = [
        trail,
        artifact("one", 1, "email:a@x", None),
        unit_tests("one", 1, false),
    ];
    let batch = batch.into_iter().map(submitted).collect();
    assert_eq!(
        world.recorder.record(&world.ci, batch).await.unwrap().len(),
        3
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_returns_the_first_receipt_and_other_content_is_a_conflict() {
    let world = World::solo().await;
    world.built("one", 1, "email:alice@example.com", None).await;
    let send = |content: &str| Submission {
        event: unit_tests("one", 1, false),
        claimed_ms: None,
        idempotency: Some(idempotency("ci", "key-1", content.as_bytes())),
    };
    let first = world
        .recorder
        .record(&world.ci, vec![send("a")])
        .await
        .unwrap();
    world.tested("one", 1, false).await;
    let again = world
        .recorder
        .record(&world.ci, vec![send("a")])
        .await
        .unwrap();
    assert!(again[0].replayed && !first[0].replayed);
    assert_eq!(again[0].receipt, first[0].receipt);
    assert_eq!(
        refused(&world, vec![send("b")]).await.class(),
        Class::Conflict
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claimed_time_may_lie_in_the_past_and_hardly_in_the_future() {
    let world = World::solo().await;
    world.built("one", 1, "email:alice@example.com", None).await;
    let now = world.recorder.now_ms();
    let claim = |claimed| Submission {
        claimed_ms: Some(claimed),
        ..submitted(unit_tests("one", 1, false))
    };
    let recorded = world
        .recorder
        .record(&world.ci, vec![claim(1), claim(now + 300_000)])
        .await
        .unwrap();
    assert_eq!(recorded[0].stored.entry.header().claimed_ms, Some(1));
    let error = refused(&world, vec![claim(now + 300_001)]).await;
    assert_eq!(
        error.to_string(),
        "the claimed time is `300001` ms ahead of this recorder's, over the limit of 300000"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_artifact_flooded_with_attestations_takes_no_more() {
    let world = World::solo().await;
    world.built("one", 1, "email:alice@example.com", None).await;
    let batch = || {
        (0..33)
            .map(|_| submitted(unit_tests("one", 1, false)))
            .collect::<Vec<_>>()
    };
    for _ in 0..STREAM_ENTRIES_MAX / 33 {
        world.recorder.record(&world.ci, batch()).await.unwrap();
    }
    let mut last = None;
    for _ in 0..33 {
        last = world
            .recorder
            .record(&world.ci, vec![submitted(unit_tests("one", 1, false))])
            .await
            .err();
        if last.is_some() {
            break;
        }
    }
    assert_eq!(last.unwrap().class(), Class::Limit);
    let decision = world.decide(1).await;
    assert!(
        decision.grounds.reasons()[0]
            .starts_with("dossier-too-large: most of the evidence was sent by `key-")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_does_what_its_roles_and_grants_say_and_nothing_else() {
    let world = World::solo().await;
    world.built("one", 1, "email:alice@example.com", None).await;
    let key = |roles: &[AccessRole], flow: FlowPattern, kinds: &[&str]| AddKey {
        expires_ms: Some(world.recorder.now_ms() + 1_000),
        grants: vec![Grant {
            flow,
            kinds: kinds.iter().map(|kind| name(kind)).collect(),
        }],
        name: name("limited"),
        person: None,
        roles: roles.to_vec(),
    };
    let add = async |add| world.recorder.add_key(&world.admin, add).await.unwrap();
    let attempts = [
        (
            key(&[AccessRole::Reader], FlowPattern::Every, &[]),
            "the key has no role that may do this; it takes `reporter`",
        ),
        (
            key(
                &[AccessRole::Reporter],
                FlowPattern::One(name("other")),
                &[],
            ),
            "the key has no grant to record `attestation` for flow `payments`",
        ),
        (
            key(
                &[AccessRole::Reporter],
                FlowPattern::Every,
                &["trail-begun"],
            ),
            "the key has no grant to record `attestation` for flow `payments`",
        ),
    ];
    for (limited, text) in attempts {
        let caller = authenticated(&world.recorder, &add(limited).await.token);
        let submissions = vec![submitted(unit_tests("one", 1, false))];
        let error = world
            .recorder
            .record(&caller, submissions)
            .await
            .unwrap_err();
        assert_eq!(
            (error.to_string().as_str(), error.class()),
            (text, Class::Denied)
        );
    }
    let allowed = add(key(
        &[AccessRole::Reporter],
        FlowPattern::One(name("payments")),
        &["attestation"],
    ))
    .await;
    let authenticate = |token: &str| {
        let definitions = world.recorder.definitions();
        Caller::authenticate(&definitions, token, world.recorder.now_ms()).map(drop)
    };
    authenticate(&allowed.token).unwrap();
    let wrong = format!("{}0", &allowed.token[..allowed.token.len() - 1]);
    assert!(wrong == allowed.token || authenticate(&wrong).is_err());
    assert!(authenticate("").is_err());
    world.clock.advance(1_000);
    assert!(authenticate(&allowed.token).is_err(), "it has expired");
    let revoked = add(AddKey {
        expires_ms: None,
        ..key(&[AccessRole::Reader], FlowPattern::Every, &[])
    })
    .await;
    world
        .recorder
        .revoke_key(&world.admin, revoked.key, "leaked".into())
        .await
        .unwrap();
    assert!(authenticate(&revoked.token).is_err(), "it was revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_stand_in_headers_and_facts_by_opaque_id_alone() {
    let world = World::solo().await;
    world.built("one", 1, "email:alice@example.com", None).await;
    let stream = StreamName::artifact(&fingerprint(1));
    let stored = world
        .recorder
        .store()
        .range(&stream, 0, 1, Direction::Forward)
        .await
        .unwrap();
    let header = stored[0].entry.header();
    let mut shown = stored[0].entry.bytes().to_vec();
    let facts = header.payload(Role::Facts).unwrap().digest;
    let people = header.payload(Role::People).unwrap().digest;
    let payloads = world
        .recorder
        .store()
        .payloads(&[facts, people])
        .await
        .unwrap();
    shown.extend_from_slice(&payloads[0].as_ref().unwrap().bytes);
    let shown = String::from_utf8(shown).unwrap();
    assert!(
        !shown.contains("alice") && shown.contains(world.alice.0.as_str()),
        "{shown}"
    );
    let hidden = String::from_utf8(payloads[1].as_ref().unwrap().bytes.clone()).unwrap();
    assert!(hidden.contains("alice@example.com"));

    // Who may not see people gets a bundle without what is said of them.
    let bundle = world
        .recorder
        .export_artifact(&world.ci, &fingerprint(1), Vec::new())
        .await
        .unwrap();
    let verified =
        journal::verify::open(bundle.as_slice(), &journal::verify::Pin::default()).unwrap();
    assert!(verified.payload(&people).is_none() && verified.payload(&facts).is_some());
    let bundle = world
        .recorder
        .export_artifact(&world.admin, &fingerprint(1), Vec::new())
        .await
        .unwrap();
    let verified =
        journal::verify::open(bundle.as_slice(), &journal::verify::Pin::default()).unwrap();
    assert!(verified.payload(&people).is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trail_is_incomplete_then_compliant_then_not() {
    use recorder::view::TrailState;
    let world = World::solo().await;
    world.built("one", 1, "email:alice@example.com", None).await;
    let state = async || {
        world
            .recorder
            .trail_view(&name("payments"), &name("one"))
            .await
            .unwrap()
    };
    let incomplete = state().await;
    assert_eq!(incomplete.state, TrailState::Incomplete);
    assert_eq!(incomplete.artifacts[0].missing[0].name, name("unit-tests"));
    world.tested("one", 1, false).await;
    assert_eq!(state().await.state, TrailState::Compliant);
    world.tested("one", 1, true).await;
    assert_eq!(state().await.state, TrailState::NonCompliant);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_finds_commits_and_artifacts_by_their_beginnings() {
    let world = World::solo().await;
    world
        .built("one", 0x1a, "email:alice@example.com", None)
        .await;
    let found = world.recorder.search("1a1a1", 10).await.unwrap();
    assert_eq!(found.artifacts, [fingerprint(0x1a)]);
    assert_eq!(found.commits[0].artifacts, [fingerprint(0x1a)]);
    assert!(
        world
            .recorder
            .search("ffff", 10)
            .await
            .unwrap()
            .artifacts
            .is_empty()
    );
    for bad in ["", "1a1", "1A1A", "zzzz", "../.."] {
        assert_eq!(
            world.recorder.search(bad, 10).await.unwrap_err().class(),
            Class::Caller
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_ahead_is_corrected_by_an_admin_and_the_journal_verifies() {
    let world = World::solo().await;
    world.built("one", 1, "email:alice@example.com", None).await;
    world.clock.advance(3_600_000);
    world.tested("one", 1, false).await;
    world.clock.go_back(3_600_000);
    let late = refused(&world, vec![submitted(unit_tests("one", 1, false))]).await;
    assert_eq!(late.class(), Class::Unavailable);
    let reason = || "the clock was an hour ahead".to_owned();
    let denied = world
        .recorder
        .correct_clock(&world.ci, reason())
        .await
        .unwrap_err();
    assert_eq!(denied.class(), Class::Denied);
    world
        .recorder
        .correct_clock(&world.admin, reason())
        .await
        .unwrap();
    world.tested("one", 1, false).await;
    let bundle = world
        .recorder
        .export_journal(&world.ci, Vec::new())
        .await
        .unwrap();
    journal::verify::verify(bundle.as_slice(), &journal::verify::Pin::default()).unwrap();
}
