//! A table that was put back to an older state: nothing is sealed until a `recovered` entry says what is lost.

use super::deaths::dying_after;
use super::*;
use crate::ReadOnlyReason;
use crate::aws::tests::place::unique;
use crate::conformance::recovered;

/// Puts the table back to what it was before some entries, into a table of another name, as the service does.
async fn restored(journal: &mut Journal) -> u64 {
    let kept = journal.place.items(&journal.place.address.table).await;
    let entries = journal.entries.len();
    journal.grow(150).await;
    finish(&journal.sealer()).await;
    journal.entries.truncate(entries);
    journal.place.address.table = unique("restored");
    journal.place.make_table(&journal.place.address.table).await;
    for item in kept {
        journal.place.put(&journal.place.address.table, item).await;
    }
    journal.store = Dynamo::open(&journal.place.settings(&journal.id()))
        .await
        .unwrap();
    size_of(&journal.place.outside(&journal.id()).await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_table_is_sealed_only_after_what_was_lost_is_on_record() {
    let Some(mut journal) = Journal::new().await else {
        return;
    };
    journal.grow(3).await;
    finish(&journal.sealer().limited(100, 2)).await;
    // Two entries were recorded and not sealed.
    journal.grow(1).await;
    let lost_to = restored(&mut journal).await;
    let before = journal.content().await;
    let error = is_refused(journal.sealer().run().await);
    let behind = ReadOnlyReason::Behind {
        stored: 7,
        outside: lost_to,
    };
    assert!(matches!(error, SealError::Contradicted(reason) if reason == behind));
    assert_eq!(journal.content().await, before);

    let appended = journal.store.recover(recovered(7, lost_to)).await.unwrap();
    journal.entries.push(appended.stored.entry.clone());
    let sealing = journal.sealer().run().await.unwrap();
    assert_eq!((sealing.sealed, sealing.size), (3, 10));
    // It comes before the entries that were waiting longer.
    assert_eq!(journal.log().await[7], appended.stored.entry.hash());
    assert_eq!(journal.store.status().await.unwrap().read_only, None);
    journal.check_all().await;
    journal.grow(160).await;
    finish(&journal.sealer().limited(100, 2)).await;
    journal.check_all().await;
    for size in [5, 8, 100, 256, 300] {
        // Lists of heads that the lost log left are not taken for this one's.
        let heads = journal.store.heads_at(size).await.unwrap();
        let known = journal.entries.iter().map(Entry::hash).collect::<Vec<_>>();
        assert!(
            heads.iter().all(|(_, head)| known.contains(&head.hash)),
            "at {size}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recovering_is_completed_wherever_the_sealer_died() {
    for writes in 0.. {
        let Some(mut journal) = Journal::new().await else {
            return;
        };
        finish(&journal.sealer()).await;
        let lost_to = restored_a_little(&mut journal).await;
        let appended = journal.store.recover(recovered(1, lost_to)).await.unwrap();
        journal.entries.push(appended.stored.entry);
        let died = dying_after(&journal.sealer(), writes).run().await.is_err();
        finish(&journal.sealer()).await;
        journal.check_all().await;
        if !died {
            assert!(writes >= 6, "only {writes} writes");
            return;
        }
    }
}

async fn restored_a_little(journal: &mut Journal) -> u64 {
    let kept = journal.place.items(&journal.place.address.table).await;
    journal.grow(2).await;
    finish(&journal.sealer()).await;
    journal.entries.truncate(1);
    journal.number = 100;
    journal.place.address.table = unique("restored");
    journal.place.make_table(&journal.place.address.table).await;
    for item in kept {
        journal.place.put(&journal.place.address.table, item).await;
    }
    journal.store = Dynamo::open(&journal.place.settings(&journal.id()))
        .await
        .unwrap();
    size_of(&journal.place.outside(&journal.id()).await)
}

#[tokio::test]
async fn a_journal_under_an_id_that_another_table_has_is_not_sealed() {
    let Some(mut journal) = Journal::new().await else {
        return;
    };
    journal.grow(1).await;
    finish(&journal.sealer()).await;
    let note = journal.place.outside(&journal.id()).await;
    // The other table's journal was made before anything was sealed here.
    let Some(other) = Journal::new().await else {
        return;
    };
    other.place.set_outside(&other.id(), &note).await;
    let before = other.content().await;
    let error = is_refused(other.sealer().run().await);
    assert!(
        matches!(
            error,
            SealError::Contradicted(ReadOnlyReason::Behind {
                stored: 0,
                outside: 3
            })
        ),
        "{error:?}"
    );
    assert_eq!(other.content().await, before);
}
