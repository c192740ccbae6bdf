//! `heads` entries: written as the log grows, and at each export.

use journal::kind::Heads;
use journal::verify::{Complete, Pin, open};
use model::StreamName;
use model::limits::{HEADS_INTERVAL, INTEGER_MAX};
use recorder::*;
use store::Direction;

use crate::world::{World, fingerprint, name};

async fn heads(world: &World) -> Vec<Heads> {
    let stream = StreamName::heads();
    let stored = world
        .recorder
        .store()
        .range(&stream, INTEGER_MAX, 100, Direction::Backward)
        .await
        .unwrap();
    stored
        .iter()
        .rev()
        .map(|stored| journal::kind::read(stored.entry.header()).unwrap().unwrap())
        .collect()
}

fn trail(number: usize) -> Submission {
    let event = BeginTrail {
        build_url: None,
        commit: None,
        flow: name("payments"),
        repository: None,
        trail: name(&format!("run-{number}")),
    };
    Submission {
        event: Event::Trail(event),
        claimed_ms: None,
        idempotency: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn they_are_written_as_the_log_grows_and_hold_on_the_whole_journal() {
    let world = World::solo().await;
    let recorder = world.recorder.clone();
    let keeper = tokio::spawn(async move { recorder.keep_heads().await });
    let batches = usize::try_from(2 * HEADS_INTERVAL).unwrap() / 33 + 40;
    for batch in 0..batches {
        let trails = (0..33).map(|place| trail(batch * 33 + place)).collect();
        world.recorder.record(&world.ci, trails).await.unwrap();
    }
    let bundle = world
        .recorder
        .export_journal(&world.ci, Vec::new())
        .await
        .unwrap();
    let verified = open(bundle.as_slice(), &Pin::default()).unwrap();
    assert!(verified.report().unique);
    let written = heads(&world).await;
    assert!(
        written.len() >= 3,
        "two as it grew, one for the export: {written:?}"
    );
    assert!(written[0].size < written[1].size && written[1].streams > 10_000);
    keeper.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_complete_up_to_one_of_its_own() {
    let world = World::solo().await;
    world.built("one", 1, "email:alice@example.com", None).await;
    for _ in 0..2 {
        let bundle = world
            .recorder
            .export_artifact(&world.ci, &fingerprint(1), Vec::new())
            .await
            .unwrap();
        let verified = open(bundle.as_slice(), &Pin::default()).unwrap();
        let Complete::Streams(ranges) = &verified.report().complete else {
            panic!("not of streams")
        };
        let about: Vec<&str> = ranges.iter().map(|range| range.stream.as_str()).collect();
        let artifact = StreamName::artifact(&fingerprint(1));
        assert!(
            about.contains(&"admin") && about.contains(&artifact.as_str()),
            "{about:?}"
        );
        assert!(!verified.report().unique);
    }
    assert_eq!(heads(&world).await.len(), 2);
}
