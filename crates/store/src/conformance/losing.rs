//! Losing entries: an old copy put back, another copy that writes. Noticed, and nothing is written until someone with
//! the right to says what was lost.

use journal::verify::Report;
use model::Class;

use super::appending::created;
use super::draft::recovered;
use super::{Home, Witness, append, attestation, stream};
use crate::{AppendError, OutsideCheckpoint, ReadOnlyReason, RecoverError, Store};

pub(super) async fn refused(store: &dyn Store, number: u64) -> ReadOnlyReason {
    let size = store.status().await.unwrap().size;
    let draft = attestation(number, &[stream("a")]);
    let error = store.append(vec![draft]).await.unwrap_err();
    assert_eq!(error.class(), Class::Unavailable);
    assert_eq!(store.status().await.unwrap().size, size);
    match error {
        AppendError::ReadOnly(reason) => reason,
        other => panic!("it is not read-only, but: {other}"),
    }
}

pub(super) async fn verified(store: &dyn Store) -> Report {
    Witness::of(store).check(store).await
}

/// The entry that says so is the first after the gap.
pub async fn an_old_copy_put_back_is_read_only_until_recovered(home: &dyn Home) {
    let store = created(home).await;
    append(&*store, vec![attestation(1, &[stream("a")])]).await;
    drop(store);
    let old = home.copy().await;
    let store = home.open(None).await.unwrap();
    append(&*store, vec![attestation(2, &[stream("a")])]).await;
    append(&*store, vec![attestation(3, &[stream("a")])]).await;
    drop(store);
    home.put_back(&*old).await;

    for _ in 0..2 {
        let store = home.open(None).await.unwrap();
        let behind = ReadOnlyReason::Behind {
            stored: 2,
            outside: 4,
        };
        assert_eq!(store.status().await.unwrap().read_only, Some(behind.clone()));
        assert_eq!(store.status().await.unwrap().outside, OutsideCheckpoint::Contradicted);
        assert_eq!(refused(&*store, 4).await, behind);
        // It is still read.
        assert_eq!(store.head(&stream("a")).await.unwrap().unwrap().seq, 0);
    }

    let store = home.open(None).await.unwrap();
    let appended = store.recover(recovered(2, 4)).await.unwrap();
    assert_eq!(appended.stored.index, Some(2));
    assert_eq!(store.status().await.unwrap().read_only, None);
    append(&*store, vec![attestation(4, &[stream("a")])]).await;
    assert_eq!(home.outside(), store.checkpoint().await.unwrap());
    let report = verified(&*store).await;
    assert_eq!(report.recovered.len(), 1);
    drop(store);
    let store = home.open(None).await.unwrap();
    assert_eq!(store.status().await.unwrap().read_only, None);
}

/// Where locks do not reach, the content tells.
pub async fn a_checkpoint_outside_that_another_wrote_ends_writing(home: &dyn Home) {
    let store = created(home).await;
    append(&*store, vec![attestation(1, &[stream("a")])]).await;
    drop(store);
    let copy = home.copy().await;
    // Another copy writes; then the checkpoint of its writing appears under the first.
    let other = copy.open(None).await.unwrap();
    append(&*other, vec![attestation(7, &[stream("a")])]).await;
    let theirs = other.checkpoint().await.unwrap();
    drop(other);
    home.set_outside("");
    let store = home.open(None).await.unwrap();
    append(&*store, vec![attestation(2, &[stream("a")])]).await;
    home.set_outside(&theirs);
    assert_eq!(refused(&*store, 3).await, ReadOnlyReason::OutsideChanged);
    assert_eq!(
        store.status().await.unwrap().read_only,
        Some(ReadOnlyReason::OutsideChanged)
    );
    drop(store);
    let store = home.open(None).await.unwrap();
    let forked = ReadOnlyReason::Forked { outside: 3 };
    assert_eq!(refused(&*store, 3).await, forked);
    store.recover(recovered(2, 3)).await.unwrap();
    append(&*store, vec![attestation(3, &[stream("a")])]).await;
    verified(&*store).await;
}

/// What cannot be read cannot be continued.
pub async fn a_checkpoint_outside_that_is_damaged_ends_writing(home: &dyn Home) {
    let store = created(home).await;
    drop(store);
    let good = home.outside();
    home.set_outside(&good.replace('1', "2"));
    let store = home.open(None).await.unwrap();
    assert_eq!(
        refused(&*store, 1).await,
        ReadOnlyReason::OutsideUnreadable
    );
    drop(store);
    home.set_outside(&good);
    let store = home.open(None).await.unwrap();
    append(&*store, vec![attestation(1, &[stream("a")])]).await;
}

/// And writes one.
pub async fn a_store_whose_checkpoint_outside_is_missing_says_so(home: &dyn Home) {
    drop(created(home).await);
    home.set_outside("");
    let store = home.open(None).await.unwrap();
    assert_eq!(store.status().await.unwrap().outside, OutsideCheckpoint::Missing);
    assert_eq!(store.status().await.unwrap().read_only, None);
    assert_eq!(home.outside(), store.checkpoint().await.unwrap());
    append(&*store, vec![attestation(1, &[stream("a")])]).await;
}

/// Nothing else, and not without need.
pub async fn only_a_recovered_entry_recovers(home: &dyn Home) {
    let store = created(home).await;
    let needless = store.recover(recovered(1, 1)).await.unwrap_err();
    assert!(matches!(needless, RecoverError::NotNeeded));
    home.set_outside("something else");
    refused(&*store, 1).await;
    let wrong = store
        .recover(attestation(2, &[stream("a")]))
        .await
        .unwrap_err();
    assert!(matches!(wrong, RecoverError::Kind));
    assert_eq!(store.status().await.unwrap().size, 1);
}
