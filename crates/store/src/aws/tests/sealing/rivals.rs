//! Several sealers at once: one of them seals, and whatever the others still do does no harm.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::*;
use crate::aws::seal::fuse::{Fuse, Write};

/// Stops before one write, says so, and waits until it may go on.
struct Gate {
    before: AtomicUsize,
    reached: Semaphore,
    open: Semaphore,
}

#[async_trait]
impl Fuse for Gate {
    async fn before(&self, _: Write) -> Result<(), SealError> {
        if self.before.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.reached.add_permits(1);
            self.open.acquire().await.unwrap().forget();
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealer_that_was_overtaken_at_any_write_does_no_harm() {
    let Some(mut journal) = Journal::new().await else {
        return;
    };
    finish(&journal.sealer()).await;
    for before in 1.. {
        journal.grow(2).await;
        let gate = Arc::new(Gate {
            before: AtomicUsize::new(before),
            reached: Semaphore::new(0),
            open: Semaphore::new(0),
        });
        let slow = journal
            .sealer()
            .limited(100, 3)
            .fused(Arc::clone(&gate) as Arc<dyn Fuse>);
        let mut slow = tokio::spawn(async move { slow.run().await });
        let stopped = tokio::select! {
            _ = gate.reached.acquire() => true,
            _ = &mut slow => false,
        };
        if !stopped {
            assert!(before > 10, "only {before} writes");
            break;
        }
        // The other one does its work, and goes further.
        let other = journal.sealer().limited(100, 3);
        finish(&other).await;
        journal.grow(1).await;
        finish(&other).await;
        journal.check_all().await;
        gate.open.add_permits(1);
        slow.await.unwrap().unwrap();
        journal.check_all().await;
    }
    finish(&journal.sealer()).await;
    journal.check_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sealers_race_while_entries_come_in() {
    let Some(mut journal) = Journal::new().await else {
        return;
    };
    let mut sealers = JoinSet::new();
    let stop = Arc::new(Semaphore::new(0));
    for _ in 0..4 {
        let (sealer, stop) = (journal.sealer().limited(10, 20), Arc::clone(&stop));
        sealers.spawn(async move {
            let mut sealed = 0;
            while stop.try_acquire().is_err() {
                sealed += sealer.run().await.unwrap().sealed;
            }
            sealed
        });
    }
    journal.grow(30).await;
    let sealed_by_all = async {
        stop.add_permits(1_000);
        sealers.join_all().await.into_iter().sum::<u64>()
    };
    let sealed = sealed_by_all.await;
    let before = journal.log().await.len() as u64;
    // Two that make the very same seal both say so.
    assert!(sealed >= before && before > 10, "{sealed} of {before}");
    finish(&journal.sealer()).await;
    journal.check_all().await;
}
