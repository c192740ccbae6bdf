//! Appending: all of a batch or nothing, each entry after the heads of its streams.

use std::sync::Arc;

use journal::{Draft, Expectation};
use model::limits::BATCH_ITEMS_MAX;
use model::{Class, StreamName};

use super::{Home, Witness, append, attestation, genesis, journal_id, stream};
use crate::{AppendError, Direction, Store};

pub(super) async fn created(home: &dyn Home) -> Arc<dyn Store> {
    let journal = journal_id();
    let (store, _) = home.create(&journal, genesis(&journal)).await.unwrap();
    store
}

fn expecting(draft: Draft, stream: StreamName, seq: u64) -> Draft {
    Draft {
        expected: vec![Expectation { stream, seq }],
        ..draft
    }
}

/// The first entry is entry 0, with a receipt.
pub async fn a_new_journal_begins_with_its_genesis(home: &dyn Home) {
    let journal = journal_id();
    let (store, first) = home.create(&journal, genesis(&journal)).await.unwrap();
    assert_eq!(*store.journal(), journal);
    assert_eq!((first.stored.index, first.replayed), (Some(0), false));
    assert_eq!(store.status().await.unwrap().size, 1);
    assert_eq!(store.status().await.unwrap().read_only, None);
    let mut witness = Witness::of(&*store);
    witness.keep([&first]);
    witness.check(&*store).await;
}

/// Many callers, few streams.
pub async fn concurrent_appends_to_the_same_streams_leave_neither_gap_nor_fork(home: &dyn Home) {
    let store = created(home).await;
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..8_u64 {
        let store = Arc::clone(&store);
        callers.spawn(async move {
            let mut receipts = Vec::new();
            for turn in 0..10 {
                let number = caller * 100 + turn;
                let own = stream(&format!("of-{caller}"));
                let draft = attestation(number, &[stream("of-all"), own]);
                receipts.extend(append(&*store, vec![draft]).await);
            }
            receipts
        });
    }
    let appended = callers.join_all().await.concat();
    let mut indexes: Vec<u64> = appended.iter().filter_map(|one| one.stored.index).collect();
    indexes.sort_unstable();
    assert_eq!(indexes, (1..=80).collect::<Vec<_>>());
    let shared = store
        .range(&stream("of-all"), 0, 1_000, Direction::Forward)
        .await
        .unwrap();
    let seqs: Vec<u64> = shared
        .iter()
        .map(|stored| stored.entry.header().link(&stream("of-all")).unwrap().seq)
        .collect();
    assert_eq!(seqs, (0..80).collect::<Vec<_>>());
    let mut witness = Witness::of(&*store);
    witness.keep(&appended);
    witness.check(&*store).await;
}

/// They chain, also in a stream that they share.
pub async fn drafts_of_one_batch_follow_each_other(home: &dyn Home) {
    let store = created(home).await;
    let both = [stream("a"), stream("b")];
    let appended = append(
        &*store,
        vec![
            attestation(1, &both),
            attestation(2, &both[..1]),
            expecting(attestation(3, &both), stream("a"), 2),
        ],
    )
    .await;
    let last = appended[2].stored.entry.header();
    let in_a = last.link(&stream("a")).unwrap();
    let in_b = last.link(&stream("b")).unwrap();
    assert_eq!((in_a.seq, in_b.seq), (2, 1));
    assert_eq!(in_a.previous, Some(appended[1].stored.entry.hash()));
    assert_eq!(in_b.previous, Some(appended[0].stored.entry.hash()));
    Witness::of(&*store).check(&*store).await;
}

/// All or nothing, and the bad one is named.
pub async fn a_batch_of_which_one_draft_is_bad_leaves_nothing(home: &dyn Home) {
    let store = created(home).await;
    let good = [stream("a")];
    let twice = [stream("b"), stream("b")];
    let before = home.content().await;
    let error = store
        .append(vec![
            attestation(1, &good),
            attestation(2, &good),
            attestation(3, &twice),
        ])
        .await
        .unwrap_err();
    assert!(matches!(error, AppendError::Draft { place: 2, .. }));
    assert_eq!(error.class(), Class::Caller);
    assert_eq!(store.head(&stream("a")).await.unwrap(), None);
    assert_eq!(store.status().await.unwrap().size, 1);
    assert_eq!(home.content().await, before);
    // Its keys are as free as its places.
    let appended = append(&*store, vec![attestation(1, &good)]).await;
    assert!(!appended[0].replayed);
    Witness::of(&*store).check(&*store).await;
}

/// Entries and links are counted.
pub async fn a_batch_over_the_limit_is_refused_and_told_what_fits(home: &dyn Home) {
    let store = created(home).await;
    let streams = [stream("a"), stream("b")];
    let full = BATCH_ITEMS_MAX / 3;
    let drafts = |count: usize| (0..count as u64).map(|n| attestation(n, &streams)).collect();
    let error = store.append(drafts(full + 1)).await.unwrap_err();
    assert!(
        matches!(error, AppendError::TooManyItems { items, fits } if items == 3 * (full + 1) && fits == full)
    );
    assert_eq!(error.class(), Class::Limit);
    assert_eq!(store.status().await.unwrap().size, 1);
    assert_eq!(append(&*store, drafts(full)).await.len(), full);
}

/// Who decided on what it read finds out that more came.
pub async fn an_expectation_that_does_not_hold_writes_nothing(home: &dyn Home) {
    let store = created(home).await;
    let (a, b) = (stream("a"), stream("b"));
    append(&*store, vec![attestation(1, std::slice::from_ref(&a))]).await;
    let late = |number, seq| {
        let draft = attestation(number, &[b.clone(), a.clone()]);
        expecting(draft, a.clone(), seq)
    };
    for seq in [0, 2, 7] {
        let drafts = vec![attestation(2, std::slice::from_ref(&b)), late(3, seq)];
        let error = store.append(drafts).await.unwrap_err();
        assert!(
            matches!(error, AppendError::Moved { place: 1, ref stream, expected, found: 1 }
                if *stream == a && expected == seq)
        );
        assert_eq!(error.class(), Class::Conflict);
        assert_eq!(store.head(&b).await.unwrap(), None);
    }
    append(&*store, vec![late(4, 1)]).await;
}

/// It could never hold, so it is a mistake.
pub async fn an_expectation_in_a_foreign_stream_is_refused(home: &dyn Home) {
    let store = created(home).await;
    let draft = expecting(attestation(1, &[stream("a")]), stream("b"), 0);
    let error = store.append(vec![draft]).await.unwrap_err();
    assert!(matches!(
        error,
        AppendError::ForeignExpectation { place: 0, .. }
    ));
    assert_eq!(store.status().await.unwrap().size, 1);
}

/// Nothing is asked for, nothing is done.
pub async fn an_empty_batch_is_no_write(home: &dyn Home) {
    let store = created(home).await;
    let before = store.checkpoint().await.unwrap();
    assert!(append(&*store, Vec::new()).await.is_empty());
    assert_eq!(store.checkpoint().await.unwrap(), before);
}
