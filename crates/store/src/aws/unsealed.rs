//! What was appended and may not be sealed yet: found by the time of its writing.

use model::{EntryHash, StreamName};

use super::layout::{Batch, SHARDS, next_day};
use super::parallel;
use super::records::Records;
use crate::ReadError;

/// Writers' clocks are no further ahead of ours.
const AHEAD_MS: u64 = 60_000;

/// Reads batches that no seal is known to have finished with.
pub(super) struct Unsealed(Records);

impl Unsealed {
    pub(super) const fn new(records: Records) -> Self {
        Self(records)
    }

    /// Returns them all, and some that are sealed.
    pub(super) async fn batches(&self, now_ms: u64) -> Result<Vec<Batch>, ReadError> {
        let Some(low_ms) = self.low_ms().await? else {
            return Ok(Vec::new());
        };
        let until_ms = now_ms.max(low_ms).saturating_add(AHEAD_MS);
        let days = std::iter::successors(Some(low_ms), |ms| Some(next_day(*ms)));
        let days: Vec<u64> = days.take_while(|ms| *ms <= until_ms).collect();
        let scans = days.into_iter().flat_map(|day| {
            (0..SHARDS).map(move |shard| {
                let records = self.0.clone();
                async move { scan(&records, shard, day).await }
            })
        });
        let found = parallel::all(scans.collect::<Vec<_>>()).await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Returns the batch of an entry, and its place there.
    pub(super) async fn find(
        &self,
        hash: &EntryHash,
        now_ms: u64,
    ) -> Result<Option<(Batch, usize)>, ReadError> {
        let batches = self.batches(now_ms).await?;
        Ok(batches.into_iter().find_map(|batch| {
            let place = batch.entries.iter().position(|entry| entry.hash == *hash)?;
            Some((batch, place))
        }))
    }

    /// Returns from when on batches may be unsealed: before the first seal, since genesis.
    async fn low_ms(&self) -> Result<Option<u64>, ReadError> {
        if let Some(seal) = self.0.newest_seal().await? {
            return Ok(Some(seal.low_ms));
        }
        let genesis = self.0.backward(&StreamName::admin(), Some(0), 1).await?;
        let genesis = genesis.first().map(|entry| entry.header().recorded_ms);
        Ok(genesis.map(|recorded_ms| recorded_ms.saturating_sub(AHEAD_MS)))
    }
}

async fn scan(records: &Records, shard: u8, written_ms: u64) -> Result<Vec<Batch>, ReadError> {
    let mut found = Vec::new();
    let mut next = None;
    loop {
        let page = records.batches(shard, written_ms, next).await?;
        found.extend(page.batches);
        next = page.next;
        if next.is_none() {
            return Ok(found);
        }
    }
}
