//! What runs where, and when.

use crate::world::{World, fingerprint, name};
use model::kind::SightingChange;
use model::limits::INTEGER_MAX;
use model::{Body, Fingerprint, StreamName};
use recorder::view::FindingKind;
use recorder::*;
use store::Direction;

fn running(bytes: &[u8]) -> Vec<Running> {
    let artifact = |byte: &u8| Running {
        fingerprint: fingerprint(*byte),
        instances: 1,
        name: format!("app-{byte}"),
    };
    bytes.iter().map(artifact).collect()
}

async fn observe(world: &World, bytes: &[u8]) -> Snapshot {
    let take = TakeSnapshot {
        artifacts: running(bytes),
        environment: name("production"),
    };
    world.recorder.snapshot(&world.ci, take).await.unwrap()
}

async fn runs_at(world: &World, at_ms: u64) -> Vec<Fingerprint> {
    let view = world
        .recorder
        .environment_view(&name("production"), at_ms)
        .await
        .unwrap();
    view.running
        .into_iter()
        .map(|running| running.fingerprint)
        .collect()
}

async fn deployed(world: &World, byte: u8) {
    world
        .record(Event::Deployment(ReportDeployment {
            build_url: None,
            decision: None,
            environment: name("production"),
            fingerprint: fingerprint(byte),
            flow: name("payments"),
            name: format!("app-{byte}"),
        }))
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_is_known_as_of_any_time() {
    let world = World::solo().await;
    let before = world.recorder.now_ms();
    world.clock.advance(1_000);
    observe(&world, &[1]).await;
    let first = world.recorder.now_ms();
    world.clock.advance(1_000);
    let same = observe(&world, &[1]).await;
    assert!(same.same_as.is_some() && same.sightings.is_empty());
    world.clock.advance(1_000);
    let second = observe(&world, &[2, 3]).await;
    let started = |byte| (SightingChange::Started, fingerprint(byte));
    assert_eq!(
        second.sightings,
        [
            (SightingChange::Stopped, fingerprint(1)),
            started(2),
            started(3)
        ]
    );

    assert_eq!(runs_at(&world, before).await, []);
    assert_eq!(runs_at(&world, first).await, [fingerprint(1)]);
    assert_eq!(runs_at(&world, first + 1_500).await, [fingerprint(1)]);
    assert_eq!(
        runs_at(&world, world.recorder.now_ms()).await,
        [fingerprint(2), fingerprint(3)]
    );
    let diff = world
        .recorder
        .environment_diff(&name("production"), first, world.recorder.now_ms())
        .await
        .unwrap();
    assert_eq!(
        (diff.started, diff.stopped),
        (vec![fingerprint(2), fingerprint(3)], vec![fingerprint(1)])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_environment_is_observed_as_empty_not_as_unknown() {
    let world = World::solo().await;
    observe(&world, &[1]).await;
    let emptied = observe(&world, &[]).await;
    assert_eq!(
        emptied.sightings,
        [(SightingChange::Stopped, fingerprint(1))]
    );
    let view = world
        .recorder
        .environment_view(&name("production"), world.recorder.now_ms())
        .await
        .unwrap();
    assert!(view.snapshot.is_some() && view.running.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn sightings_are_complete_and_each_there_once() {
    let world = World::solo().await;
    let many: Vec<u8> = (0..120).collect();
    observe(&world, &many).await;
    observe(&world, &many).await;
    observe(&world, &[]).await;
    for byte in many {
        let stream = StreamName::running(&fingerprint(byte));
        let entries = world
            .recorder
            .store()
            .range(&stream, 0, 10, Direction::Forward)
            .await
            .unwrap();
        assert_eq!(entries.len(), 2, "started and stopped, once each");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_snapshot_completes_what_a_crash_left_out() {
    let world = World::solo().await;
    // What a recorder leaves that died right after the snapshot's own entry.
    let take = TakeSnapshot {
        artifacts: running(&[1, 2]),
        environment: name("production"),
    };
    world.recorder.snapshot_only(&world.ci, take).await.unwrap();
    let stream = StreamName::running(&fingerprint(1));
    assert!(
        world
            .recorder
            .store()
            .head(&stream)
            .await
            .unwrap()
            .is_none()
    );
    observe(&world, &[1, 2]).await;
    for byte in [1, 2] {
        let stream = StreamName::running(&fingerprint(byte));
        let entries = world
            .recorder
            .store()
            .range(&stream, INTEGER_MAX, 10, Direction::Backward)
            .await
            .unwrap();
        assert!(matches!(
            Body::parse(entries[0].entry.header()),
            Ok(Body::Sighted(_))
        ));
        assert_eq!(entries.len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_seen_and_what_is_reported_must_fit_together() {
    let world = World::solo().await;
    world.built("one", 1, "email:alice@example.com", None).await;
    deployed(&world, 1).await;
    deployed(&world, 4).await;
    observe(&world, &[1, 2]).await;
    let view = world
        .recorder
        .environment_view(&name("production"), world.recorder.now_ms())
        .await
        .unwrap();
    let findings: Vec<_> = view
        .findings
        .iter()
        .map(|found| (found.fingerprint, found.finding))
        .collect();
    assert_eq!(
        findings,
        [
            (fingerprint(1), FindingKind::NeverAllowed),
            (fingerprint(2), FindingKind::NeverRecorded),
            (fingerprint(2), FindingKind::NotReported),
            (fingerprint(4), FindingKind::NotSeen),
        ]
    );
    let last = world
        .recorder
        .deployments(&name("production"), 10)
        .await
        .unwrap();
    assert_eq!(last.len(), 2);
    assert!(last[0].index > last[1].index, "newest first");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_environment_that_nobody_created_is_refused() {
    let world = World::solo().await;
    let take = TakeSnapshot {
        artifacts: Vec::new(),
        environment: name("nowhere"),
    };
    let refused = world.recorder.snapshot(&world.ci, take).await.unwrap_err();
    assert_eq!(refused.class(), model::Class::NotFound);
    assert_eq!(
        refused.hint().unwrap(),
        "create it first: `trailmark env create`"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_snapshots_at_once_say_each_change_once() {
    let world = World::solo().await;
    let both = tokio::join!(observe(&world, &[1, 2]), observe(&world, &[1, 2]));
    assert!(
        both.0.same_as.is_some() != both.1.same_as.is_some(),
        "one is the same as the other"
    );
    for byte in [1, 2] {
        let stream = StreamName::running(&fingerprint(byte));
        let entries = world
            .recorder
            .store()
            .range(&stream, 0, 10, Direction::Forward)
            .await
            .unwrap();
        assert_eq!(entries.len(), 1);
    }
}
