//! Sealing: in order, once, by any number of sealers, of which any may die at any write.

mod deaths;
mod keys;
mod loss;
mod order;
mod rivals;

use std::sync::Arc;

use journal::key::LogKey;
use journal::note::Checkpoint;
use journal::{Draft, Receipt};
use model::{Entry, EntryHash, JournalId};

use super::place::{Place, servers};
use crate::aws::{Dynamo, SealError, Sealer, Sealing};
use crate::conformance::{SEED, Witness, attestation, genesis, journal_id, stream};
use crate::{Clock, Store as _};

/// A journal with its genesis, of which nothing is sealed.
pub(super) struct Journal {
    pub(super) place: Place,
    store: Dynamo,
    pub(super) entries: Vec<Entry>,
    number: u64,
}

impl Journal {
    pub(super) async fn new() -> Option<Self> {
        let place = Place::new(servers()?.clients(&[])).await;
        let journal = journal_id();
        let (store, first) = Dynamo::create(&place.settings(&journal), genesis(&journal))
            .await
            .unwrap();
        Some(Self {
            place,
            store,
            entries: vec![first.stored.entry],
            number: 0,
        })
    }

    pub(super) fn id(&self) -> JournalId {
        journal_id()
    }

    pub(super) fn sealer(&self) -> Sealer {
        self.sealer_with(SEED)
    }

    fn sealer_with(&self, seed: [u8; 32]) -> Sealer {
        let signer = Arc::new(LogKey::new(&self.id(), &seed));
        let clock = Arc::clone(&self.place.clock) as Arc<dyn Clock>;
        Sealer::new(
            &self.place.clients,
            &self.place.address,
            &self.id(),
            signer,
            clock,
        )
    }

    /// Appends one batch.
    pub(super) async fn append(&mut self, drafts: Vec<Draft>) {
        let appended = self.store.append(drafts).await.unwrap();
        self.entries
            .extend(appended.into_iter().map(|one| one.stored.entry));
    }

    /// Appends batches one after the other, a moment apart, in a stream that all are in and others that are new.
    pub(super) async fn grow(&mut self, batches: u64) {
        for _ in 0..batches {
            self.place.clock.pass(7);
            let number = self.number;
            self.number += 2;
            let new = stream(&format!("new-{number}"));
            let drafts = vec![
                attestation(number, &[new.clone(), stream("all")]),
                attestation(number + 1, &[new]),
            ];
            self.append(drafts).await;
        }
    }

    fn hashes(&self) -> Vec<EntryHash> {
        self.entries.iter().map(Entry::hash).collect()
    }

    /// Reads what the log holds.
    async fn log(&self) -> Vec<EntryHash> {
        let entries = self.store.entries(0, usize::MAX).await.unwrap();
        entries.iter().map(|stored| stored.entry.hash()).collect()
    }

    /// Checks that everything that was appended is sealed, once, with places and proofs, and that the whole verifies.
    async fn check_all(&self) {
        let (mut log, mut hashes) = (self.log().await, self.hashes());
        let places = self.store.positions(&log).await.unwrap();
        assert_eq!(places, (0..log.len() as u64).map(Some).collect::<Vec<_>>());
        for hash in &log {
            let receipt = self.store.receipt(hash).await.unwrap().unwrap();
            assert!(matches!(receipt, Receipt::Proved(_)), "{receipt:?}");
        }
        log.sort_unstable();
        hashes.sort_unstable();
        assert_eq!(log, hashes);
        Witness::of(&self.store).check(&self.store).await;
        assert_eq!(
            self.place.outside(&self.id()).await,
            self.store.checkpoint().await.unwrap()
        );
        let listed = self.store.streams("", None, 10_000).await.unwrap();
        assert_eq!(self.store.heads_at(log.len() as u64).await.unwrap(), listed);
    }

    /// Lists all items and objects, so that any write shows: items are never written twice.
    async fn content(&self) -> Vec<String> {
        let items = self.place.items(&self.place.address.table).await;
        let mut all: Vec<String> = items
            .iter()
            .map(|item| {
                format!(
                    "{} {}",
                    item["pk"].as_s().unwrap(),
                    item["sk"].as_s().unwrap()
                )
            })
            .collect();
        for bucket in [
            &*self.place.address.bucket,
            self.place.address.checkpoint_bucket(),
        ] {
            let listed = self
                .place
                .clients
                .s3
                .list_objects_v2()
                .bucket(bucket)
                .send()
                .await
                .unwrap();
            let objects = listed.contents().iter();
            all.extend(
                objects
                    .map(|object| format!("{bucket} {:?} {:?}", object.key, object.last_modified)),
            );
        }
        all.sort_unstable();
        all
    }
}

/// Does steps until nothing is left.
pub(super) async fn finish(sealer: &Sealer) -> Sealing {
    for _ in 0..200 {
        let sealing = sealer.run().await.unwrap();
        if sealing.remaining == 0 && sealing.sealed == 0 && !sealing.overtaken {
            return sealing;
        }
    }
    panic!("the sealer does not come to an end");
}

fn size_of(note: &str) -> u64 {
    let key = LogKey::new(&journal_id(), &SEED);
    Checkpoint::open(note, key.vkey()).unwrap().size
}

fn is_refused(result: Result<Sealing, SealError>) -> SealError {
    result.expect_err("the sealer refuses")
}
