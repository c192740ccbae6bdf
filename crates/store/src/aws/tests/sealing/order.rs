//! What is sealed in which order, how much of it at once, and what is said of it.

use super::*;
use crate::conformance::TestClock;
use crate::{Options, Sqlite, Store};

#[tokio::test]
async fn what_was_appended_one_after_the_other_is_sealed_in_that_order() {
    let Some(mut journal) = Journal::new().await else {
        return;
    };
    journal.grow(20).await;
    let sealing = journal.sealer().run().await.unwrap();
    assert_eq!(
        (sealing.size, sealing.sealed, sealing.remaining),
        (41, 41, 0)
    );
    assert_eq!(
        (sealing.missed, sealing.oldest_ms, sealing.overtaken),
        (0, None, false)
    );
    assert_eq!(journal.log().await, journal.hashes());
    journal.check_all().await;
}

#[tokio::test]
async fn genesis_comes_first_whatever_was_recorded_in_the_same_moment() {
    let Some(mut journal) = Journal::new().await else {
        return;
    };
    for number in 0..8 {
        let own = stream(&format!("of-{number}"));
        journal.append(vec![attestation(number, &[own])]).await;
    }
    assert_eq!(
        journal.sealer().limited(1, 100).run().await.unwrap().sealed,
        2
    );
    finish(&journal.sealer()).await;
    assert_eq!(journal.log().await[0], journal.entries[0].hash());
    journal.check_all().await;
}

#[tokio::test]
async fn nothing_is_written_where_nothing_is_new() {
    let Some(mut journal) = Journal::new().await else {
        return;
    };
    journal.grow(2).await;
    let sealer = journal.sealer();
    sealer.run().await.unwrap();
    let before = journal.content().await;
    for sealer in [sealer, journal.sealer()] {
        let sealing = sealer.run().await.unwrap();
        assert_eq!((sealing.size, sealing.sealed, sealing.remaining), (5, 0, 0));
    }
    journal.place.clock.pass(90 * 24 * 3_600_000);
    let sealing = journal.sealer().run().await.unwrap();
    assert_eq!((sealing.size, sealing.sealed), (5, 0));
    assert_eq!(journal.content().await, before);
}

#[tokio::test]
async fn a_sealer_that_is_behind_catches_up_in_steps() {
    let Some(mut journal) = Journal::new().await else {
        return;
    };
    let batches = 150;
    journal.grow(batches).await;
    journal.place.clock.pass(60_000);
    let sealer = journal.sealer().limited(40, 100);
    let mut left = 1 + 2 * batches;
    while left > 0 {
        let sealing = sealer.run().await.unwrap();
        assert!(
            (39..=40).contains(&sealing.sealed) || sealing.sealed == left,
            "{sealing:?}"
        );
        left -= sealing.sealed;
        assert_eq!(sealing.remaining, left);
        assert_eq!(sealing.oldest_ms.is_some(), left > 0);
    }
    assert_eq!(journal.log().await, journal.hashes());
    journal.check_all().await;
}

#[tokio::test]
async fn what_is_promised_and_comes_too_late_is_counted() {
    let Some(mut journal) = Journal::new().await else {
        return;
    };
    journal.grow(2).await;
    let sealer = journal.sealer().limited(3, 100);
    journal.place.clock.pass(11 * 60 * 1000);
    let sealing = sealer.run().await.unwrap();
    assert_eq!(
        (sealing.missed, sealing.sealed, sealing.remaining),
        (3, 3, 2)
    );
    assert_eq!(sealing.oldest_ms, Some(11 * 60 * 1000));
    journal.grow(1).await;
    assert_eq!(sealer.run().await.unwrap().missed, 2);
    assert_eq!(sealer.run().await.unwrap().missed, 0);
}

#[tokio::test]
async fn an_entry_whose_batch_comes_later_is_fetched_for_the_one_that_follows_it() {
    let Some(mut journal) = Journal::new().await else {
        return;
    };
    let sealer = journal.sealer().limited(1, 100);
    finish(&sealer).await;
    let (clock, a) = (Arc::clone(&journal.place.clock), [stream("a")]);
    clock.pass(10_000);
    journal
        .append(vec![attestation(500, &a), attestation(501, &a)])
        .await;
    // The next writer's clock is behind: its batch stands before the one that it follows.
    clock.set(clock.wall_ms() - 3_000);
    journal.append(vec![attestation(502, &a)]).await;
    let sealing = sealer.run().await.unwrap();
    assert_eq!((sealing.sealed, sealing.remaining), (3, 2));
    assert_eq!(finish(&sealer).await.size, 4);
    assert_eq!(journal.log().await, journal.hashes());
    journal.check_all().await;
}

#[tokio::test]
async fn a_batch_that_lands_late_is_sealed_all_the_same() {
    let Some(mut journal) = Journal::new().await else {
        return;
    };
    let sealer = journal.sealer();
    for _ in 0..4 {
        journal.grow(1).await;
        finish(&sealer).await;
        journal.place.clock.pass(10 * 60 * 1000);
    }
    // It was signed a quarter of an hour ago.
    let mut late = journal.place.clone();
    late.clock = Arc::new(TestClock::default());
    late.clock
        .set(journal.place.clock.wall_ms() - 15 * 60 * 1000);
    let store = Dynamo::open(&late.settings(&journal.id())).await.unwrap();
    let appended = store
        .append(vec![attestation(900, &[stream("late")])])
        .await
        .unwrap();
    journal
        .entries
        .extend(appended.into_iter().map(|one| one.stored.entry));
    assert_eq!(sealer.run().await.unwrap().sealed, 1);
    journal.check_all().await;
    // And what lies further back is not looked at any more.
    let low_ms = journal
        .store
        .records
        .newest_seal()
        .await
        .unwrap()
        .unwrap()
        .low_ms;
    let written_ms = journal.entries.last().unwrap().header().recorded_ms;
    assert!(low_ms < written_ms && low_ms > written_ms - 6 * 60 * 1000 - 10 * 60 * 1000);
}

#[tokio::test]
async fn heads_are_known_for_every_size_with_and_without_lists_of_them() {
    let Some(mut journal) = Journal::new().await else {
        return;
    };
    let (often, never) = (
        journal.sealer().limited(1_000, 5),
        journal.sealer().limited(1_000, 10_000),
    );
    for round in 0..6 {
        journal.grow(2).await;
        finish(if round % 2 == 0 { &often } else { &never }).await;
    }
    let seals = journal.store.records.seals(0, 100).await.unwrap();
    let lists: std::collections::BTreeSet<u64> = seals.iter().map(|seal| seal.heads).collect();
    assert!(lists.len() >= 2, "{lists:?}");
    let mut expected = std::collections::BTreeMap::new();
    for (size, stored) in (1..).zip(journal.store.entries(0, 100).await.unwrap()) {
        let header = stored.entry.header();
        for link in &header.links {
            let head = journal::Head {
                seq: link.seq,
                hash: stored.entry.hash(),
                recorded_ms: header.recorded_ms,
            };
            expected.insert(link.stream.clone(), head);
        }
        let heads = journal.store.heads_at(size).await.unwrap();
        assert_eq!(
            heads,
            expected.clone().into_iter().collect::<Vec<_>>(),
            "at {size}"
        );
    }
    assert_eq!(seals.last().unwrap().streams, expected.len() as u64);
}

#[tokio::test]
async fn both_homes_give_the_same_entries_roots_and_tiles() {
    let Some(journal) = Journal::new().await else {
        return;
    };
    let id = journal.id();
    let folder = tempfile::tempdir().unwrap();
    let mut options = Options::new(folder.path());
    options.clock = Arc::clone(&journal.place.clock) as Arc<dyn Clock>;
    let (sqlite, _) = Sqlite::create(options, &id, &SEED, genesis(&id))
        .await
        .unwrap();
    let sealer = journal.sealer();
    sealer.run().await.unwrap();
    let dynamo: &dyn Store = &journal.store;
    for number in 0..130_u64 {
        journal.place.clock.pass(number % 3);
        let streams = [stream(&format!("s{}", number % 7)), stream("all")];
        let drafts = vec![
            attestation(2 * number, &streams),
            attestation(2 * number + 1, &streams[..1]),
        ];
        let there = sqlite.append(drafts.clone()).await.unwrap();
        let here = dynamo.append(drafts).await.unwrap();
        sealer.run().await.unwrap();
        for (there, here) in there.iter().zip(&here) {
            assert_eq!(there.stored.entry.bytes(), here.stored.entry.bytes());
        }
        assert_eq!(
            sqlite.checkpoint().await.unwrap(),
            dynamo.checkpoint().await.unwrap()
        );
    }
    for (level, index, width) in [(0, 0, 256), (0, 1, 5), (0, 0, 17), (1, 0, 1)] {
        let there = sqlite.tile(level, index, width).await.unwrap();
        assert!(there.is_some());
        assert_eq!(there, dynamo.tile(level, index, width).await.unwrap());
    }
    for from in [1, 100, 255, 256, 260] {
        assert_eq!(
            sqlite.consistency(from).await.unwrap(),
            dynamo.consistency(from).await.unwrap()
        );
    }
    for stored in sqlite.entries(0, 300).await.unwrap() {
        let hash = stored.entry.hash();
        assert_eq!(
            sqlite.receipt(&hash).await.unwrap(),
            dynamo.receipt(&hash).await.unwrap()
        );
    }
    assert_eq!(
        sqlite.heads_at(200).await.unwrap(),
        dynamo.heads_at(200).await.unwrap()
    );
}
