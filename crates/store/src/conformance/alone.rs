//! Being alone: a store that one process writes, and no other beside it. Many may write one that many share.

use super::appending::created;
use super::losing::{refused, verified};
use super::{Home, append, attestation, recovered, stream};
use crate::{OpenError, ReadOnlyReason, RecoverError};

/// The second server on the same data is told so.
pub async fn a_store_is_opened_once_at_a_time(home: &dyn Home) {
    let store = created(home).await;
    let second = home.open(None).await.err();
    assert!(matches!(second, Some(OpenError::Held)), "{second:?}");
    append(&*store, vec![attestation(1, &[stream("a")])]).await;
    drop(store);
    home.open(None).await.unwrap();
}

/// The second may read.
pub async fn two_copies_started_at_once_do_not_both_write(home: &dyn Home) {
    drop(created(home).await);
    let copy = home.copy().await;
    let first = home.open(None).await.unwrap();
    let second = copy.open(None).await.unwrap();
    assert_eq!(refused(&*second, 1).await, ReadOnlyReason::OutsideHeld);
    append(&*first, vec![attestation(1, &[stream("a")])]).await;
    let early = second.recover(recovered(1, 1)).await.err();
    assert!(
        matches!(
            early,
            Some(RecoverError::Beyond(ReadOnlyReason::OutsideHeld))
        ),
        "{early:?}"
    );
    verified(&*first).await;
    // With the first one gone, the second is what it is: an old copy.
    drop((first, second));
    let second = copy.open(None).await.unwrap();
    let behind = ReadOnlyReason::Behind {
        stored: 1,
        outside: 2,
    };
    assert_eq!(second.status().await.unwrap().read_only, Some(behind));
}
