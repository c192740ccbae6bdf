//! `docs/restore.md`, walked through: a table restored to an earlier time, beside the buckets as they are.

use std::sync::Arc;

use journal::note::{Checkpoint, Note};
use journal::tree::verify_consistency;
use journal::verify::{Complete, Pin, verify};
use model::{Class, EntryHash, StreamName};
use recorder::{Recorder, RecorderError};
use store::aws::{Dynamo, SealError, Sealer};
use store::conformance::TestClock;
use store::{AppendError, Clock, OutsideCheckpoint, ReadOnlyReason, Store};

use crate::aws::pipeline::Run;
use crate::aws::place::{Item, Place, servers};
use crate::aws::world::{LOG_SEED, World, recorder, settings};

/// Yesterday: a run of the pipeline up to its unit tests. Today: another one. Somebody keeps both checkpoints.
struct Days {
    world: World,
    yesterday: Vec<Item>,
    then: String,
    now: String,
    lost: Vec<EntryHash>,
}

async fn days() -> Option<Days> {
    let world = World::new(Place::new(&servers()?).await).await;
    record(&world, 1).await;
    let then = world.ingest.store().checkpoint().await.unwrap();
    let yesterday = world.place.items().await;
    world.clock.pass(12 * 3_600_000);
    let lost = record(&world, 2).await;
    let now = world.ingest.store().checkpoint().await.unwrap();
    Some(Days {
        world,
        yesterday,
        then,
        now,
        lost,
    })
}

async fn record(world: &World, run: u32) -> Vec<EntryHash> {
    let mut recorded = Vec::new();
    for request in 0..4 {
        recorded.extend(Run(run).request(world, request).await);
    }
    world.seal().await;
    recorded
}

fn parsed(note: &str) -> Checkpoint {
    let note: Note = note.parse().unwrap();
    note.unverified_text().parse().unwrap()
}

fn refused(error: RecorderError) -> ReadOnlyReason {
    assert_eq!(error.class(), Class::Unavailable);
    match error {
        RecorderError::Append(AppendError::ReadOnly(reason)) => reason,
        other => panic!("it is not read-only, but: {other:?}"),
    }
}

/// The functions, deployed anew on another table.
struct Deployed {
    store: Arc<dyn Store>,
    recorder: Recorder,
    sealer: Sealer,
}

async fn deployed(days: &Days, table: String) -> Deployed {
    let World { journal, clock, .. } = &days.world;
    let mut place = days.world.place.reached_anew(None).await;
    place.address.table = table;
    let store = Dynamo::open(&settings(&place, journal, clock))
        .await
        .unwrap();
    let store: Arc<dyn Store> = Arc::new(store);
    let log_key = journal::key::LogKey::new(journal, &LOG_SEED);
    let time: Arc<TestClock> = Arc::clone(clock);
    let time: Arc<dyn Clock> = time;
    Deployed {
        recorder: recorder(&store, clock).await,
        sealer: Sealer::new(
            &place.clients,
            &place.address,
            journal,
            Arc::new(log_key),
            time,
        ),
        store,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_restored_to_yesterday_is_noticed_and_made_good_by_an_admin() {
    let Some(days) = days().await else { return };
    let (world, stored, outside) = (&days.world, parsed(&days.then).size, parsed(&days.now).size);
    let table = world.place.restored(&days.yesterday).await;
    let Deployed {
        store,
        recorder,
        sealer,
    } = deployed(&days, table).await;

    // It is noticed at the start; nothing is written, nothing is sealed, all is read.
    let behind = ReadOnlyReason::Behind { stored, outside };
    let status = store.status().await.unwrap();
    assert_eq!(
        (status.size, status.read_only),
        (stored, Some(behind.clone()))
    );
    assert_eq!(status.outside, OutsideCheckpoint::Contradicted);
    let before = world.place.objects().await;
    let event = Run(3).submission(0);
    let error = recorder
        .record(&world.ci, vec![event.clone()])
        .await
        .unwrap_err();
    assert_eq!(refused(error), behind);
    let error = sealer.run().await.unwrap_err();
    assert!(
        matches!(&error, SealError::Contradicted(reason) if *reason == behind),
        "{error}"
    );
    assert_eq!(world.place.objects().await, before);
    let trail: StreamName = "trail/payments/run-00000001".parse().unwrap();
    assert!(store.head(&trail).await.unwrap().is_some());
    assert_eq!(
        parsed(&store.checkpoint().await.unwrap()),
        parsed(&days.then)
    );

    // What is lost can be told: whoever holds a receipt asks for its entry.
    for lost in &days.lost {
        assert!(store.entry(lost).await.unwrap().is_none());
        assert!(store.receipt(lost).await.unwrap().is_none());
    }

    // Nobody but an admin says that it is so.
    let reason = "restored to yesterday noon; incident 7".to_owned();
    let error = recorder
        .recover(&world.ci, reason.clone())
        .await
        .unwrap_err();
    assert_eq!(error.class(), Class::Denied);
    let recovered = recorder
        .recover(&world.admin, reason.clone())
        .await
        .unwrap();
    let error = recorder
        .record(&world.ci, vec![event.clone()])
        .await
        .unwrap_err();
    assert_eq!(
        refused(error),
        behind,
        "it takes writes before that is sealed"
    );
    let sealing = sealer.run().await.unwrap();
    // With it, what waited yesterday: a `heads` entry.
    assert_eq!((sealing.size, sealing.sealed), (stored + 2, 2));
    let hash = recovered.stored.entry.hash();
    assert_eq!(store.positions(&[hash]).await.unwrap(), [Some(stored)]);

    // From then on it goes on as before: what is sent again gets new places, also what was lost.
    assert_eq!(store.status().await.unwrap().read_only, None);
    recorder.record(&world.ci, vec![event]).await.unwrap();
    for request in 0..4 {
        let again = Run(2).submission(request);
        let again = recorder.record(&world.ci, vec![again]).await.unwrap();
        assert!(!again[0].replayed);
    }
    while sealer.run().await.unwrap().remaining > 0 {}
    assert_eq!(parsed(&store.checkpoint().await.unwrap()).size, stored + 7);
    check_strangers(&days, &*store, &reason).await;
}

/// Whoever kept a checkpoint from before sees which of them the log continues.
async fn check_strangers(days: &Days, store: &dyn Store, reason: &str) {
    let (then, now) = (parsed(&days.then), parsed(&days.now));
    // The log has grown past the size that it had before the restore.
    let newest = parsed(&store.checkpoint().await.unwrap());
    assert!(newest.size > then.size);
    for (kept, continued) in [(&then, true), (&now, false)] {
        let Some(found) = store.consistency(kept.size).await.unwrap() else {
            assert!(!continued && newest.size < kept.size);
            continue;
        };
        let proof = verify_consistency(
            kept.size,
            newest.size,
            &found.proof,
            &kept.root,
            &newest.root,
        );
        assert_eq!(proof.is_ok(), continued, "{kept:?}");
    }
    let export = store::conformance::export(store).await;
    let report = verify(export.as_slice(), &Pin::default()).unwrap();
    assert!(report.unique);
    assert!(matches!(report.complete, Complete::Journal { .. }));
    assert_eq!(report.payloads_absent, 0);
    let [loss] = &report.recovered[..] else {
        panic!("{:?}", report.recovered)
    };
    assert_eq!((loss.lost_from, loss.lost_to), (then.size, now.size));
    assert_eq!(loss.reason, reason);
    let pinned = |note: &str| Pin {
        checkpoint: Some(note.to_owned()),
        ..Pin::default()
    };
    let report = verify(export.as_slice(), &pinned(&days.then)).unwrap();
    assert_eq!(report.consistent_with, Some(then.size));
    let fault = verify(export.as_slice(), &pinned(&days.now)).unwrap_err();
    println!("a stranger is told: {fault}: {}", fault.wrong);
}

/// As when the lost table was deleted, and restored under its own name.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_function_notices_a_table_restored_under_its_own_name() {
    let Some(days) = days().await else { return };
    let world = &days.world;
    let (stored, outside) = (parsed(&days.then).size, parsed(&days.now).size);
    let (tables, table) = (&world.place.clients.dynamodb, &world.place.address.table);
    tables
        .delete_table()
        .table_name(table)
        .send()
        .await
        .unwrap();
    world.place.make_table(table).await;
    for item in &days.yesterday {
        let put = tables.put_item().table_name(table);
        put.set_item(Some(item.clone())).send().await.unwrap();
    }
    // It looks every ten seconds.
    world.clock.pass(10_000);
    let event = Run(3).submission(0);
    let error = world
        .ingest
        .record(&world.ci, vec![event.clone()])
        .await
        .unwrap_err();
    let behind = ReadOnlyReason::Behind { stored, outside };
    assert_eq!(refused(error), behind);
    let error = world.sealer.run().await.unwrap_err();
    assert!(
        matches!(&error, SealError::Contradicted(reason) if *reason == behind),
        "{error}"
    );
    assert_eq!(world.place.items().await.len(), days.yesterday.len());

    let reason = "restored to yesterday noon".to_owned();
    world.ingest.recover(&world.admin, reason).await.unwrap();
    world.sealer.run().await.unwrap();
    world.ingest.record(&world.ci, vec![event]).await.unwrap();
    while world.sealer.run().await.unwrap().remaining > 0 {}
    let export = world
        .ingest
        .export_journal(&world.ci, Vec::new())
        .await
        .unwrap();
    assert!(verify(export.as_slice(), &Pin::default()).unwrap().unique);
}
