//! A sealer that dies before any of its writes: the next one finds it out, and nothing is lost or there twice.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::*;
use crate::ReadError;
use crate::aws::bucket::Bucket;
use crate::aws::seal::fuse::{Fuse, Write};

/// Lets so many writes happen, and nothing after them.
struct Breaking {
    left: AtomicUsize,
}

#[async_trait]
impl Fuse for Breaking {
    async fn before(&self, _: Write) -> Result<(), SealError> {
        let spend = |left: usize| left.checked_sub(1);
        match self
            .left
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, spend)
        {
            Ok(_) => Ok(()),
            Err(_) => Err(ReadError::Corrupt("the sealer is dead").into()),
        }
    }
}

pub(super) fn dying_after(sealer: &Sealer, writes: usize) -> Sealer {
    let left = AtomicUsize::new(writes);
    sealer.clone().fused(Arc::new(Breaking { left }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_seal_is_completed_wherever_the_sealer_died() {
    for writes in 0.. {
        let Some(journal) = Journal::new().await else {
            return;
        };
        let sealer = journal.sealer().limited(100, 1);
        let died = dying_after(&sealer, writes).run().await.is_err();
        finish(&journal.sealer()).await;
        journal.check_all().await;
        if !died {
            // Object, seal, two tiles, stream, place, heads, checkpoint.
            assert_eq!(writes, 8);
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_seal_is_completed_wherever_the_sealer_died() {
    let Some(mut journal) = Journal::new().await else {
        return;
    };
    finish(&journal.sealer()).await;
    for writes in 0.. {
        journal.grow(2).await;
        let sealer = journal.sealer().limited(100, 3);
        let died = dying_after(&sealer, writes).run().await.is_err();
        // Entries go on coming in, and the next sealer dies as well, on the way of completing.
        journal.grow(1).await;
        let _ = dying_after(&journal.sealer(), writes / 2).run().await;
        finish(&journal.sealer().limited(100, 3)).await;
        journal.check_all().await;
        if !died {
            assert!(writes > 10, "only {writes} writes");
            return;
        }
    }
}

#[tokio::test]
async fn readers_see_the_log_before_a_seal_until_it_is_published() {
    let Some(mut journal) = Journal::new().await else {
        return;
    };
    finish(&journal.sealer()).await;
    journal.grow(3).await;
    let before = journal.store.checkpoint().await.unwrap();
    let sealer = journal.sealer();
    // Object, seal and a tile.
    is_refused(dying_after(&sealer, 3).run().await);
    assert_eq!(journal.store.checkpoint().await.unwrap(), before);
    assert_eq!(journal.store.entries(0, 100).await.unwrap().len(), 1);
    let hash = journal.entries[3].hash();
    let receipt = journal.store.receipt(&hash).await.unwrap().unwrap();
    assert!(matches!(receipt, Receipt::Promised(_)));
    assert!(journal.store.status().await.unwrap().read_only.is_none());
    // It takes writes all the while.
    journal.grow(1).await;
    finish(&sealer).await;
    journal.check_all().await;
}

#[tokio::test]
async fn a_staged_object_that_is_another_is_not_published() {
    let Some(mut journal) = Journal::new().await else {
        return;
    };
    finish(&journal.sealer()).await;
    journal.grow(1).await;
    let sealer = journal.sealer();
    // Object and seal.
    is_refused(dying_after(&sealer, 2).run().await);
    let seal = journal.store.records.newest_seal().await.unwrap().unwrap();
    let bucket = Bucket::new(
        journal.place.clients.s3.clone(),
        &journal.place.address.bucket,
        &journal.id(),
    );
    let staged = bucket
        .get(&seal.staged, 10_000)
        .await
        .unwrap()
        .unwrap()
        .bytes;
    let mut other = staged.clone();
    let last = other.len() - 2;
    other[last] = b'9';
    for damaged in [other, staged[..staged.len() - 1].to_vec(), Vec::new()] {
        bucket.put(&seal.staged, damaged).await.unwrap();
        let before = journal.content().await;
        let error = is_refused(sealer.run().await);
        assert!(
            matches!(error, SealError::Read(ReadError::Corrupt(_))),
            "{error:?}"
        );
        assert!(journal.content().await == before, "something was written");
    }
    bucket.put(&seal.staged, staged).await.unwrap();
    finish(&sealer).await;
    journal.check_all().await;
}
