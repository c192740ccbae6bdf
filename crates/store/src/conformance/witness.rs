use journal::Receipt;
use journal::bundle::Writer;
use journal::key::LogKey;
use journal::note::{Checkpoint, Vkey};
use journal::tree::verify_consistency;
use journal::verify::{Complete, Pin, Report, verify};

use super::SEED;
use crate::{Appended, Store};

/// Somebody who keeps every receipt, and later holds the store to them.
pub struct Witness {
    log: Vkey,
    /// The log's keys before that one.
    older: Vec<Vkey>,
    receipts: Vec<Receipt>,
}

impl Witness {
    /// Watches a store's journal.
    #[must_use]
    pub fn of(store: &dyn Store) -> Self {
        Self {
            log: LogKey::new(store.journal(), &SEED).vkey().clone(),
            older: Vec::new(),
            receipts: Vec::new(),
        }
    }

    /// Learns that another key took the place of the log's.
    pub fn follow(&mut self, log: Vkey) {
        self.older.push(std::mem::replace(&mut self.log, log));
    }

    /// Returns the key that signs the journal's checkpoints.
    #[must_use]
    pub const fn log(&self) -> &Vkey {
        &self.log
    }

    /// Checks receipts, and keeps them.
    pub fn keep<'a>(&mut self, appended: impl IntoIterator<Item = &'a Appended>) {
        for appended in appended {
            let hash = appended.stored.entry.hash();
            appended.receipt.verify(&hash, &self.log).unwrap();
            self.receipts.push(appended.receipt.clone());
        }
    }

    /// Keeps receipts that were handed out earlier.
    pub fn keep_receipts(&mut self, receipts: impl IntoIterator<Item = Receipt>) {
        self.receipts.extend(receipts);
    }

    /// Checks that the log continues all that receipts promised, and that the whole journal verifies.
    pub async fn check(&self, store: &dyn Store) -> Report {
        let newest = Checkpoint::open(&store.checkpoint().await.unwrap(), &self.log).unwrap();
        for receipt in &self.receipts {
            let Receipt::Proved(proved) = receipt else {
                panic!("a receipt proves nothing")
            };
            let mut keys = self.older.iter().chain([&self.log]);
            let then = keys
                .find_map(|log| proved.verify(&proved.entry, log).ok())
                .expect("one of the log's keys signed the receipt");
            let stored = store.entry(&proved.entry).await.unwrap();
            assert_eq!(stored.and_then(|stored| stored.index), Some(proved.index));
            let later = store.consistency(then.size).await.unwrap().unwrap();
            verify_consistency(
                then.size,
                newest.size,
                &later.proof,
                &then.root,
                &newest.root,
            )
            .unwrap();
        }
        let report = self.verify_all(store).await;
        assert_eq!((report.size, report.root), (newest.size, newest.root));
        report
    }

    async fn verify_all(&self, store: &dyn Store) -> Report {
        let bundle = export(store).await;
        let pin = Pin {
            log_key: self.older.first().or(Some(&self.log)).cloned(),
            checkpoint: None,
        };
        let report = verify(bundle.as_slice(), &pin).unwrap();
        assert!(report.unique);
        assert_eq!(report.log_key, self.log);
        assert!(matches!(report.complete, Complete::Journal { .. }));
        assert_eq!(report.payloads_absent, 0);
        report
    }
}

/// Exports a whole journal as a bundle.
pub async fn export(store: &dyn Store) -> Vec<u8> {
    let checkpoint = store.checkpoint().await.unwrap();
    let size = store.status().await.unwrap().size;
    let mut writer = Writer::journal(Vec::new(), store.journal(), &checkpoint).unwrap();
    let mut next = 0;
    while next < size {
        for stored in store.entries(next, 500).await.unwrap() {
            let header = stored.entry.header();
            let digests: Vec<_> = header.payloads.iter().map(|named| named.digest).collect();
            let payloads = store.payloads(&digests).await.unwrap();
            let payloads = payloads.iter().map(|payload| {
                let payload = payload.as_ref()?;
                Some((&payload.salt, payload.bytes.as_slice()))
            });
            writer.entry(next, &stored.entry, payloads).unwrap();
            assert_eq!(stored.index, Some(next));
            next += 1;
        }
    }
    writer.finish().unwrap()
}
