//! Several recorders on one journal: each is right, or loses a race and says so.

use std::sync::Arc;

use journal::verify::{Complete, Pin, open};
use model::kind::{AccessRole, Verdict};
use model::{EntryHash, StreamName};
use policy::PolicyForm;
use recorder::*;
use store::Direction;

use crate::watched::Watched;
use crate::world::{World, fingerprint, name, policies, question, start, unit_tests};

async fn world() -> (World, Arc<Watched>) {
    let mut watched = None;
    let world = World::shared(|inner| watched.insert(Watched::new(inner)).clone()).await;
    (world, watched.unwrap())
}

async fn exported(recorder: &Recorder, world: &World) -> Result<Vec<u8>, RecorderError> {
    let artifact = fingerprint(1);
    recorder
        .export_artifact(&world.ci, &artifact, Vec::new())
        .await
}

fn reporter() -> AddKey {
    AddKey {
        expires_ms: None,
        grants: Vec::new(),
        name: name("another"),
        person: None,
        roles: vec![AccessRole::Reporter],
    }
}

async fn of_kind(world: &World, kind: &str) -> usize {
    let admin = StreamName::admin();
    let all = world.store.range(&admin, 0, 1_000, Direction::Forward);
    let all = all.await.unwrap();
    let wanted = |stored: &&store::Stored| stored.entry.header().kind.as_str() == kind;
    all.iter().filter(wanted).count()
}

#[tokio::test]
async fn a_key_added_elsewhere_is_found_and_a_revoked_one_ends_within_30_seconds() {
    let (world, _) = world().await;
    let other = world.another().await;
    let added = world.recorder.add_key(&world.admin, reporter()).await;
    let added = added.unwrap();
    world.clock.advance(1_001);
    other.authenticate(&added.token).await.unwrap();

    let revoked = world
        .recorder
        .revoke_key(&world.admin, added.key, "lost".into());
    revoked.await.unwrap();
    world.recorder.authenticate(&added.token).await.unwrap_err();
    other.authenticate(&added.token).await.unwrap();
    world.clock.advance(30_001);
    let error = other.authenticate(&added.token).await.unwrap_err();
    assert!(matches!(error, RecorderError::Unauthenticated));
}

#[tokio::test]
async fn keys_that_nobody_knows_cost_one_read_a_second() {
    let (world, watched) = world().await;
    world.clock.advance(2_000);
    watched.taken();
    for guess in 0..200 {
        let token = format!("tm_{guess:016x}_{}", "0".repeat(64));
        let error = world.recorder.authenticate(&token).await.unwrap_err();
        assert!(matches!(error, RecorderError::Unauthenticated));
    }
    assert_eq!(watched.taken(), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_definition_counts_for_decisions_after_60_seconds_everywhere_and_a_replay_agrees() {
    let (world, _) = world().await;
    let other = world.another().await;
    world.built("one", 1, "email:alice@example.com", None).await;
    world.tested("one", 1, false).await;
    let early = other.decide(&world.ci, &question(1)).await.unwrap_err();
    assert!(
        matches!(&early, RecorderError::NotInForce { what: "flow", .. }),
        "a template that is not known would require nothing: {early}"
    );
    world.clock.advance(60_000);
    let policy = world.publish("unit-tested", PolicyForm::Component).await;
    world.bind(policy).await;
    let mut decisions = Vec::new();
    for (wait_ms, verdict) in [
        (0, Verdict::Denied),
        (59_999, Verdict::Denied),
        (1, Verdict::Allowed),
    ] {
        world.clock.advance(wait_ms);
        for recorder in [&world.recorder, &other] {
            let decision = recorder.decide(&world.ci, &question(1)).await.unwrap();
            assert_eq!(
                decision.verdict,
                verdict,
                "{:?}",
                decision.grounds.reasons()
            );
            decisions.push(decision.appended.stored.entry.hash());
        }
    }
    assert_eq!(of_kind(&world, "journal-shared").await, 1);
    let bundle = exported(&other, &world).await.unwrap();
    let verified = open(bundle.as_slice(), &Pin::default()).unwrap();
    for decision in &decisions {
        replay(&verified, decision, &policies()).unwrap();
    }
    let alone = start(&world.store, &world.clock, Sharing::Alone, 2, policies()).await;
    let decision = alone.decide(&world.ci, &question(1)).await.unwrap();
    assert_eq!(decision.verdict, Verdict::Allowed, "on one machine, too");
}

/// Decides by definitions that are not the newest, and says what a replay makes of it.
async fn decided_by_old_definitions(sharing: Sharing) -> Result<Replayed, ReplayError> {
    let (world, watched) = world().await;
    world.built("one", 1, "email:alice@example.com", None).await;
    world.tested("one", 1, false).await;
    if sharing == Sharing::Shared {
        world
            .recorder
            .decide(&world.ci, &question(1))
            .await
            .unwrap_err();
    }
    world.clock.advance(60_000);
    let policy = world.publish("unit-tested", PolicyForm::Component).await;
    world.bind(policy).await;
    let admin = StreamName::admin();
    let last = world.store.head(&admin).await.unwrap().unwrap().seq;
    watched.hide_admin_from(last);
    let blind = start(&world.store, &world.clock, sharing, 2, policies()).await;
    world.clock.advance(60_000);
    let decision = blind.decide(&world.ci, &question(1)).await.unwrap();
    watched.hide_admin_from(u64::MAX);
    let bundle = exported(&world.recorder, &world).await.unwrap();
    let verified = open(bundle.as_slice(), &Pin::default()).unwrap();
    replay(
        &verified,
        &decision.appended.stored.entry.hash(),
        &policies(),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_left_a_definition_out_does_not_stand_by_the_rule_of_its_journal() {
    for (sharing, differs_in) in [
        (Sharing::Shared, "number of definitions in force"),
        (Sharing::Alone, "definitions"),
    ] {
        let error = decided_by_old_definitions(sharing).await.unwrap_err();
        let ReplayError::Differs { what, .. } = &error else {
            panic!("{error:?}")
        };
        assert_eq!(what, differs_in);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_there_once_is_recorded_once_whoever_records_it() {
    let (world, _) = world().await;
    let other = world.another().await;
    let source = || {
        policy::stock::seed("unit-tested", PolicyForm::Rego)
            .unwrap()
            .source()
    };
    let publish = |recorder: &Arc<Recorder>| {
        let (recorder, admin) = (recorder.clone(), world.admin.clone());
        async move {
            recorder
                .publish_policy(&admin, name("tested"), source())
                .await
        }
    };
    let (one, two) = tokio::join!(publish(&world.recorder), publish(&other));
    assert_eq!(one.unwrap(), two.unwrap());
    assert_eq!(of_kind(&world, "policy-published").await, 1);
    assert_eq!(of_kind(&world, "engine-published").await, 1);

    let alias = |person: &model::PersonId| AddAlias {
        alias: "email:dave@example.com".parse().unwrap(),
        person: person.clone(),
    };
    let (one, two) = tokio::join!(
        world.recorder.add_alias(&world.admin, alias(&world.bob.0)),
        other.add_alias(&world.admin, alias(&world.carol.0)),
    );
    let error = one.and(two).unwrap_err();
    assert!(matches!(error, RecorderError::Exists { what: "alias", .. }));
    assert_eq!(
        of_kind(&world, "alias-added").await,
        2,
        "alice's and dave's"
    );

    let (one, two) = tokio::join!(world.recorder.add_first_key(), other.add_first_key());
    assert!(one.unwrap().is_none() && two.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_recorded_elsewhere_is_seen_by_the_next_decision() {
    let (world, _) = world().await;
    let other = world.another().await;
    let policy = world.publish("unit-tested", PolicyForm::Component).await;
    world.bind(policy).await;
    world.built("one", 1, "email:alice@example.com", None).await;
    world.clock.advance(60_000);
    let decide = async |recorder: &Recorder| {
        let decided = recorder.decide(&world.ci, &question(1)).await;
        decided.unwrap().verdict
    };
    assert_eq!(decide(&other).await, Verdict::Denied);
    world.tested("one", 1, false).await;
    assert_eq!(decide(&other).await, Verdict::Allowed);
    world.tested("one", 1, true).await;
    assert_eq!(decide(&other).await, Verdict::Denied);
    assert_eq!(decide(&world.recorder).await, Verdict::Denied);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ingest_and_a_decision_wait_for_the_store_as_seldom_as_they_can() {
    let (world, watched) = world().await;
    let policy = world.publish("unit-tested", PolicyForm::Component).await;
    world.bind(policy).await;
    world.built("one", 1, "email:alice@example.com", None).await;
    world.clock.advance(60_000);
    world.decide(1).await;
    watched.taken();

    world.record(unit_tests("one", 1, false)).await;
    let (waves, _) = watched.taken();
    assert_eq!(waves, 2, "heads, then the append");

    let named = DecideRequest {
        flow: Some(name("payments")),
        trail: Some(name("one")),
        ..question(1)
    };
    for (request, warm) in [(&named, false), (&question(1), false), (&question(1), true)] {
        let recorder = if warm {
            world.recorder.clone()
        } else {
            world.another().await
        };
        recorder.warm().await.unwrap();
        world.record(unit_tests("one", 1, false)).await;
        watched.taken();
        let decision = recorder.decide(&world.ci, request).await.unwrap();
        assert_eq!(decision.verdict, Verdict::Allowed);
        let (waves, calls) = watched.taken();
        assert!(waves <= 3, "streams, facts, the append: {waves} of {calls}");
        assert!(calls <= 5, "{calls}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_another_seals_an_export_is_complete_up_to_the_newest_sealed_heads() {
    let (world, watched) = world().await;
    watched.seal().await;
    world.built("one", 1, "email:alice@example.com", None).await;
    let export = async || exported(&world.recorder, &world).await;
    assert!(
        matches!(export().await, Err(RecorderError::Unsealed)),
        "no heads"
    );

    watched.seal().await;
    let other = world.another().await;
    let (one, two) = tokio::join!(
        world.recorder.write_heads_if_due(),
        other.write_heads_if_due()
    );
    let written = [one.unwrap(), two.unwrap()];
    assert_eq!(written.iter().flatten().count(), 1, "one of two writes it");
    assert!(
        matches!(export().await, Err(RecorderError::Unsealed)),
        "not sealed"
    );

    watched.seal().await;
    let late: EntryHash = world.tested("one", 1, false).await;
    for recorder in [&world.recorder, &other] {
        let bundle = exported(recorder, &world).await.unwrap();
        let verified = open(bundle.as_slice(), &Pin::default()).unwrap();
        let Complete::Streams(ranges) = &verified.report().complete else {
            panic!("not of streams")
        };
        let artifact = StreamName::artifact(&fingerprint(1));
        assert!(ranges.iter().any(|range| range.stream == artifact));
        assert!(verified.entry(&late).is_none(), "it came after");
    }
    let whole = other.export_journal(&world.ci, Vec::new()).await.unwrap();
    let verified = open(whole.as_slice(), &Pin::default()).unwrap();
    assert!(verified.report().unique && verified.entry(&late).is_none());

    assert!(
        other.write_heads_if_due().await.unwrap().is_none(),
        "too soon"
    );
    world.clock.advance(5 * 60_000);
    watched.seal().await;
    assert!(other.write_heads_if_due().await.unwrap().is_some());
    watched.seal().await;
    world.clock.advance(60 * 60_000);
    let quiet = world.recorder.write_heads_if_due().await.unwrap();
    assert!(quiet.is_none(), "nothing is new but the entry itself");
}
