//! Looking for what sealing owes: promises that were not kept, and whatever of a seal is missing.

use std::collections::HashSet;

use journal::tree::Hash;
use model::{Entry, EntryHash, JournalId, StreamName};
use serde::Serialize;

use super::bucket::Bucket;
use super::client::{Address, Clients};
use super::layout::Seal;
use super::log::{Log, Published};
use super::records::Records;
use super::seal::{Backlog, Outside, judge};
use super::table::Table;
use crate::{ReadError, ReadOnlyReason};

/// Batches and entries that are looked at at once.
const PART: usize = 1_000;
/// Clocks of writers are no further ahead.
const AHEAD_MS_MAX: u64 = 5 * 60 * 1000;

/// Looks at one journal. It writes nothing.
pub struct Monitor {
    records: Records,
    log: Log,
    bucket: Bucket,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Watched {
    /// Entries in the newest seal's log.
    pub size: u64,
    /// How many entries of batches were looked at.
    pub entries: u64,
    /// How many of them wait to be sealed, in time or not.
    pub waiting: u64,
    /// How many seals were looked at.
    pub seals: u64,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "finding", rename_all = "kebab-case")]
pub enum Finding {
    /// An entry is not in the log by the time that was promised.
    Missed {
        /// The entry.
        entry: EntryHash,
        /// One of its streams.
        stream: StreamName,
        /// Its place there.
        seq: u64,
        /// By when it was to be in the log, in milliseconds since 1970-01-01 UTC.
        promised_ms: u64,
        /// How long ago that was.
        late_ms: u64,
    },
    /// An entry of the log has no place in the table, or another one.
    Misplaced {
        /// The entry.
        entry: EntryHash,
        /// Its place in the log.
        index: u64,
        /// The one that the table says, if any.
        found: Option<u64>,
    },
    /// There is no seal of this number between others.
    SealMissing {
        /// The number.
        number: u64,
    },
    /// A seal does not add to the one before it.
    SealShrinks {
        /// Its number.
        number: u64,
    },
    /// A seal's root is not that of the tiles.
    SealForked {
        /// Its number.
        number: u64,
        /// The size of its log.
        size: u64,
        /// Its root.
        sealed: Hash,
        /// The tiles'.
        tiles: Hash,
    },
    /// The newest seal is not published: its sealer is at it, or died.
    Unpublished {
        /// The number of the newest seal.
        number: u64,
    },
    /// The checkpoint outside is gone.
    CheckpointMissing,
    /// The checkpoint outside is none that the seals lead to.
    Contradicted {
        /// How.
        reason: String,
    },
    /// An object was staged and never sealed: a sealer was overtaken, or died. It does no harm.
    Stray {
        /// Its key, after the journal's id.
        object: String,
    },
}

impl Monitor {
    /// Makes a monitor of a journal.
    #[must_use]
    pub fn new(clients: &Clients, address: &Address, journal: &JournalId) -> Self {
        let records = Records::new(Table::new(clients, &address.table), journal);
        let bucket = Bucket::new(clients.s3.clone(), &address.bucket, journal);
        let outside = Bucket::new(clients.s3.clone(), address.checkpoint_bucket(), journal);
        Self {
            log: Log::new(records.clone(), bucket.clone(), outside),
            records,
            bucket,
        }
    }

    /// Looks at what was written from a moment on, and at the seals since then.
    ///
    /// # Errors
    /// When something cannot be read; what can be read and is wrong is a finding.
    pub async fn look(&self, since_ms: u64, now_ms: u64) -> Result<Watched, ReadError> {
        let outside = self.log.outside().await?;
        let newest = self.records.newest_seal().await?;
        let mut watched = Watched {
            size: newest.as_ref().map_or(0, Seal::size),
            entries: 0,
            waiting: 0,
            seals: 0,
            findings: Vec::new(),
        };
        let note = outside.map(|object| object.bytes).unwrap_or_default();
        let note = String::from_utf8_lossy(&note);
        let judged = judge(&self.records, newest.as_ref(), &note).await?;
        watched
            .findings
            .extend(finding_outside(&judged, newest.as_ref()));
        self.watch_promises(&mut watched, since_ms, now_ms).await?;
        if let Some(newest) = newest {
            let seals = self.seals_since(&newest, since_ms).await?;
            watched.seals = seals.len() as u64;
            watched.findings.extend(gaps(&seals));
            self.watch_staged(&mut watched, &seals).await?;
            // What is not published, or is another log's, has no tiles to look at.
            if judged == Outside::Published {
                self.watch_log(&mut watched, &seals).await?;
            }
        }
        Ok(watched)
    }

    /// Looks for entries that are not sealed, and should be.
    async fn watch_promises(
        &self,
        watched: &mut Watched,
        since_ms: u64,
        now_ms: u64,
    ) -> Result<(), ReadError> {
        let until_ms = now_ms + AHEAD_MS_MAX;
        let mut backlog = Backlog::new(self.records.clone(), since_ms, until_ms);
        loop {
            let part = backlog.next(PART).await?;
            if part.is_empty() {
                return Ok(());
            }
            let hashes = part.iter().flat_map(|batch| &batch.entries);
            let hashes: Vec<EntryHash> = hashes.map(|entry| entry.hash).collect();
            watched.entries += hashes.len() as u64;
            let places = self.records.places(&hashes).await?;
            for batch in part {
                let promised_ms = batch.promises.latest_ms;
                let unsealed = batch.entries.into_iter();
                for entry in unsealed.filter(|entry| !places.contains_key(&entry.hash)) {
                    watched.waiting += 1;
                    if promised_ms < now_ms {
                        watched.findings.push(Finding::Missed {
                            entry: entry.hash,
                            stream: entry.stream,
                            seq: entry.seq,
                            promised_ms,
                            late_ms: now_ms - promised_ms,
                        });
                    }
                }
            }
        }
    }

    /// Returns the seals from the last one on that was finished with everything before a moment.
    async fn seals_since(&self, newest: &Seal, since_ms: u64) -> Result<Vec<Seal>, ReadError> {
        let (mut low, mut high) = (0, newest.number);
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            // One that is missing is found as a gap.
            match self.records.seal(middle).await? {
                Some(seal) if seal.low_ms <= since_ms => low = middle,
                _ => high = middle - 1,
            }
        }
        let mut seals = Vec::new();
        loop {
            let from = seals.last().map_or(low, |last: &Seal| last.number + 1);
            let page = self.records.seals(from, PART).await?;
            if page.is_empty() {
                return Ok(seals);
            }
            seals.extend(page);
        }
    }

    /// Looks for staged objects that no seal names.
    async fn watch_staged(&self, watched: &mut Watched, seals: &[Seal]) -> Result<(), ReadError> {
        let (Some(first), Some(last)) = (seals.first(), seals.last()) else {
            return Ok(());
        };
        let named: HashSet<&str> = seals.iter().map(|seal| &*seal.staged).collect();
        let end = format!("staged/{:016}", last.number + 1);
        let mut after = Some(format!("staged/{:016}", first.number));
        while let Some(from) = after.take() {
            let keys = self.bucket.list("staged/", Some(&from)).await?;
            after = keys.last().filter(|last| **last < end).cloned();
            let past = keys.into_iter().filter(|key| *key < end);
            let strays = past.filter(|key| !named.contains(key.as_str()));
            watched
                .findings
                .extend(strays.map(|object| Finding::Stray { object }));
        }
        Ok(())
    }

    /// Compares the log with the seals, and with the places in the table.
    async fn watch_log(&self, watched: &mut Watched, seals: &[Seal]) -> Result<(), ReadError> {
        let Some(last) = seals.last() else {
            return Ok(());
        };
        let published = Published::parse(self.records.journal(), last.checkpoint.clone());
        let published = published.ok_or(ReadError::Corrupt("a seal's checkpoint is none"))?;
        let tiles = self.log.root_at(&published, last.size()).await?;
        if tiles != last.frontier.root() {
            watched.findings.push(Finding::SealForked {
                number: last.number,
                size: last.size(),
                sealed: last.frontier.root(),
                tiles,
            });
        }
        let mut from = seals
            .first()
            .filter(|first| first.number > 0)
            .map_or(0, Seal::size);
        while from < published.size {
            let part = self.log.entries(&published, from, PART).await?;
            let entries: Vec<Entry> = part.into_iter().map(|stored| stored.entry).collect();
            let hashes: Vec<EntryHash> = entries.iter().map(Entry::hash).collect();
            let places = self.records.places(&hashes).await?;
            for (index, entry) in (from..).zip(&hashes) {
                let found = places.get(entry).map(|place| place.index);
                if found != Some(index) {
                    let entry = *entry;
                    watched.findings.push(Finding::Misplaced {
                        entry,
                        index,
                        found,
                    });
                }
            }
            from += entries.len() as u64;
            if entries.is_empty() {
                return Err(ReadError::Corrupt("a bundle of the log is empty"));
            }
        }
        Ok(())
    }
}

fn finding_outside(judged: &Outside, newest: Option<&Seal>) -> Option<Finding> {
    let reason = |reason: &ReadOnlyReason| Finding::Contradicted {
        reason: reason.to_string(),
    };
    match judged {
        Outside::Published => None,
        Outside::Unpublished => newest.map(|seal| Finding::Unpublished {
            number: seal.number,
        }),
        // Before the first seal there is none.
        Outside::Missing => newest.map(|_| Finding::CheckpointMissing),
        Outside::Contradicted(why) => Some(reason(why)),
    }
}

/// Finds seals that are missing or do not follow each other.
fn gaps(seals: &[Seal]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for pair in seals.windows(2) {
        let [one, next] = pair else { continue };
        findings
            .extend((one.number + 1..next.number).map(|number| Finding::SealMissing { number }));
        if next.size() <= one.size() {
            findings.push(Finding::SealShrinks {
                number: next.number,
            });
        }
    }
    findings
}
