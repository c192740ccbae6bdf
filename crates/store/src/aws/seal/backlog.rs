//! Batches in the order in which they were written, read from all shards and days from a moment on.

use std::collections::VecDeque;

use super::super::layout::{Batch, SHARDS, next_day};
use super::super::parallel;
use super::super::records::Records;
use crate::ReadError;

/// Batches that are still to be read.
pub(in crate::aws) struct Backlog {
    records: Records,
    shards: Vec<Shard>,
}

/// What is still to be read of a shard.
#[derive(Debug)]
struct Shard {
    number: u8,
    /// From this moment of this day on, or from this key on.
    from_ms: u64,
    next: Option<String>,
    until_ms: u64,
    /// What was read already.
    batches: VecDeque<Batch>,
}

impl Backlog {
    /// Begins with the batches of a moment, and ends with those of another moment's day.
    pub(in crate::aws) fn new(records: Records, from_ms: u64, until_ms: u64) -> Self {
        let shard = |number| Shard {
            number,
            from_ms,
            next: None,
            until_ms,
            batches: VecDeque::new(),
        };
        Self {
            records,
            shards: (0..SHARDS).map(shard).collect(),
        }
    }

    /// Reads up to so many batches; none at the end.
    pub(in crate::aws) async fn next(&mut self, count: usize) -> Result<Vec<Batch>, ReadError> {
        let mut part = Vec::new();
        while part.len() < count {
            if self.shards.iter().any(Shard::is_dry) {
                self.read().await?;
            }
            let first = |shard: &Shard| {
                let id = &shard.batches.front()?.id;
                Some((id.written_ms, id.first))
            };
            let oldest = self
                .shards
                .iter_mut()
                .filter(|shard| !shard.batches.is_empty());
            let Some(oldest) = oldest.min_by_key(|shard| first(shard)) else {
                break;
            };
            part.extend(oldest.batches.pop_front());
        }
        Ok(part)
    }

    /// Reads on in all shards of which nothing is left.
    async fn read(&mut self) -> Result<(), ReadError> {
        let shards = std::mem::take(&mut self.shards);
        let reads = shards.into_iter().map(|shard| {
            let records = self.records.clone();
            async move { shard.read(&records).await }
        });
        self.shards = parallel::all(reads.collect::<Vec<_>>()).await?;
        Ok(())
    }
}

impl Shard {
    /// Says whether to read on before it is known which batch is next.
    fn is_dry(&self) -> bool {
        self.batches.is_empty() && self.from_ms <= self.until_ms
    }

    async fn read(mut self, records: &Records) -> Result<Self, ReadError> {
        while self.is_dry() {
            let page = records
                .batches(self.number, self.from_ms, self.next.take())
                .await?;
            self.batches = page.batches.into();
            self.next = page.next;
            if self.next.is_none() {
                self.from_ms = next_day(self.from_ms);
            }
        }
        Ok(self)
    }
}
