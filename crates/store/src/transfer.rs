//! Moving house: a journal goes from one store to another with every byte kept, and nothing is signed again.
//!
//! What is read is verified before any of it is written: every entry's hash and links, every payload's digest, every
//! checkpoint's signature, by the key that was the log's then, and its root. All checkpoints move, not the newest alone:
//! the first that covers an entry makes the receipt that a retry is answered with. A copy can be stopped at any point and
//! begun again. Until it is finished, nobody can open the target for use.

mod error;
mod follow;

use std::collections::VecDeque;

use async_trait::async_trait;
use journal::note::Vkey;
use journal::tile::{Content, Tile, write_entry};
use journal::tree::{Frontier, Hash};
use journal::{Head, Idempotency};
use model::{Entry, EntryHash, JournalId, LargePayload, Payload, PayloadDigest, StreamName};

use self::follow::{Follow, claimed};
use crate::bulk::{LargeStored, Parts};
use crate::{ReadError, StoredPayload};

pub use self::error::{CopyError, PutError};

/// Entries that are read at once, and written at once where their payloads are small.
const PART_ENTRIES: u64 = 1_024;
/// Payload bytes after which what was read is written.
const PART_BYTES: u64 = 16 * 1024 * 1024;

/// A store that a journal is read from. Nobody changes what it has sealed.
#[async_trait]
pub trait Origin: Send + Sync {
    /// Returns the journal's id.
    fn journal(&self) -> &JournalId;

    /// Returns how many entries are sealed.
    async fn size(&self) -> Result<u64, ReadError>;

    /// Returns how many entries are recorded and not sealed yet.
    async fn waiting(&self) -> Result<u64, ReadError>;

    /// Returns signed checkpoints of more than `after` entries, by rising size, as many as are read at once.
    async fn checkpoints(&self, after: u64) -> Result<Vec<String>, ReadError>;

    /// Returns the entries from an index on, up to another, which is not included.
    async fn entries(&self, from: u64, to: u64) -> Result<Vec<Entry>, ReadError>;

    /// Returns the idempotency keys of entries that stand from an index on.
    async fn uses(
        &self,
        from: u64,
        entries: &[Entry],
    ) -> Result<Vec<Option<Idempotency>>, ReadError>;

    /// Returns the payloads of entries that stand from an index on, each in its order, without the large ones.
    async fn payloads(
        &self,
        from: u64,
        entries: &[Entry],
    ) -> Result<Vec<Vec<StoredPayload>>, ReadError>;

    /// Returns a large payload: the one at a place of the entry at an index.
    async fn large(
        &self,
        index: u64,
        place: usize,
        digest: &PayloadDigest,
    ) -> Result<Option<LargeStored>, ReadError>;

    /// Returns the first `width` hashes of a tile.
    async fn tile(&self, level: u8, index: u64, width: u16) -> Result<Option<Vec<u8>>, ReadError>;
}

/// A store that a journal is written to.
#[async_trait]
pub trait Target: Send {
    /// Returns the journal's id.
    fn journal(&self) -> &JournalId;

    /// Says how far it has come.
    async fn standing(&mut self) -> Result<Standing, ReadError>;

    /// Writes groups that follow what is there. Dying leaves some of them, from the first on, and perhaps parts of the
    /// next ones, which are written again.
    async fn put(&mut self, groups: &[Group]) -> Result<(), PutError>;

    /// Writes a large payload, before an entry names it, once it is sure that the bytes are those of its reference.
    async fn put_large(&mut self, payload: &LargePayload, parts: Parts) -> Result<(), PutError>;

    /// Returns the newest checkpoint.
    async fn checkpoint(&mut self) -> Result<String, ReadError>;

    /// Returns the entries from an index on, up to another, which is not included.
    async fn entries(&mut self, from: u64, to: u64) -> Result<Vec<Entry>, ReadError>;

    /// Returns the first `width` hashes of a tile.
    async fn tile(
        &mut self,
        level: u8,
        index: u64,
        width: u16,
    ) -> Result<Option<Vec<u8>>, ReadError>;

    /// Returns the last entry of every stream, by name.
    async fn heads(&mut self) -> Result<Vec<(StreamName, Head)>, ReadError>;

    /// Lets it be opened for use.
    async fn finish(&mut self) -> Result<(), PutError>;
}

/// How far a target has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Entries in it.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// Its first entry, where there is one, even if no checkpoint covers it yet.
    pub first: Option<EntryHash>,
}

/// The entries that one checkpoint added to the log, all of it verified.
#[derive(Debug, Clone)]
pub struct Group {
    /// The signed checkpoint.
    pub checkpoint: String,
    /// The key that signed it.
    pub key: Vkey,
    /// The log before it.
    pub before: Frontier,
    /// The log with it.
    pub after: Frontier,
    /// How often the clock was corrected before it.
    pub era: u64,
    /// Its entries.
    pub records: Vec<Record>,
}

/// An entry and what belongs to it.
#[derive(Debug, Clone)]
pub struct Record {
    /// The entry.
    pub entry: Entry,
    /// What makes a retry of it recognisable.
    pub used: Option<Idempotency>,
    /// Its payloads, without the large ones.
    pub payloads: Vec<Payload>,
    /// Its large payloads, which the target has by the time it gets this.
    pub large: Vec<LargePayload>,
}

/// How much of a journal is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// What is sealed by now; the rest can follow.
    SoFar,
    /// All there will be: then the target is compared with the source, and can be used from then on.
    Whole,
}

/// How far a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Entries that are in the target.
    pub copied: u64,
    /// Entries that there are.
    pub total: u64,
}

/// What a copy did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Entries in the target.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// How many of them this run wrote.
    pub written: u64,
    /// The journal's newest log key, which the new home needs the secret of.
    pub log_key: Vkey,
    /// The journal's newest permit key, which the new home needs the secret of.
    pub permit_key: journal::key::PublicKey,
}

/// Copies a journal, or the rest of it, and verifies all of it, also what was copied before.
///
/// # Errors
/// What was written stays, and is right; the next run goes on from there.
pub async fn copy(
    from: &dyn Origin,
    to: &mut dyn Target,
    extent: Extent,
    told: &mut (dyn FnMut(Progress) + Send),
) -> Result<Copied, CopyError> {
    if from.journal() != to.journal() {
        return Err(CopyError::OtherJournal {
            from: from.journal().clone(),
            to: to.journal().clone(),
        });
    }
    let total = from.size().await.map_err(CopyError::Origin)?;
    let standing = to.standing().await.map_err(CopyError::Target)?;
    if standing.size > total {
        return Err(CopyError::Ahead {
            from: total,
            to: standing.size,
        });
    }
    if extent == Extent::Whole {
        check_waiting(from).await?;
    }
    let mut follow = Follow::new(from.journal().clone());
    let mut notes = VecDeque::new();
    while follow.size() < total {
        let groups = read_part(from, &mut follow, &mut notes, &standing).await?;
        write_part(from, to, groups).await?;
        told(Progress {
            copied: follow.size(),
            total,
        });
    }
    if extent == Extent::Whole {
        compare(from, to, &follow).await?;
        // Nobody stopped the writers: what they wrote since is to be copied before the old home is left.
        check_waiting(from).await?;
        let now = from.size().await.map_err(CopyError::Origin)?;
        if now != total {
            return Err(CopyError::Waiting(now - total));
        }
        to.finish().await?;
    }
    follow.finish(total - standing.size)
}

async fn check_waiting(from: &dyn Origin) -> Result<(), CopyError> {
    match from.waiting().await.map_err(CopyError::Origin)? {
        0 => Ok(()),
        waiting => Err(CopyError::Waiting(waiting)),
    }
}

/// Reads and verifies the next groups, and returns those that the target lacks, still without payloads.
async fn read_part(
    from: &dyn Origin,
    follow: &mut Follow,
    notes: &mut VecDeque<String>,
    standing: &Standing,
) -> Result<Vec<Group>, CopyError> {
    let first = follow.size();
    let part = next_notes(from, notes, first).await?;
    let end = part.last().map_or(first, |(size, _)| *size);
    let entries = from.entries(first, end).await.map_err(CopyError::Origin)?;
    if first == 0
        && let (Some(there), Some(genesis)) = (standing.first, entries.first())
        && there != genesis.hash()
    {
        return Err(CopyError::Forked { size: 1 });
    }
    let mut entries = entries.into_iter();
    let mut groups = Vec::new();
    for (size, note) in part {
        let count = usize::try_from(size - follow.size()).unwrap_or(usize::MAX);
        let group = follow.group(note, entries.by_ref().take(count).collect())?;
        let (before, after) = (group.before.size(), group.after.size());
        let forked = match after {
            _ if after == standing.size => group.after.root() != standing.root,
            _ => (before + 1..after).contains(&standing.size),
        };
        if forked {
            return Err(CopyError::Forked {
                size: standing.size,
            });
        }
        if after > standing.size {
            groups.push(group);
        }
    }
    Ok(groups)
}

/// Takes the checkpoints of the next part, with their sizes.
async fn next_notes(
    from: &dyn Origin,
    notes: &mut VecDeque<String>,
    first: u64,
) -> Result<Vec<(u64, String)>, CopyError> {
    let mut part: Vec<(u64, String)> = Vec::new();
    let mut end = first;
    while end - first < PART_ENTRIES {
        let Some(note) = notes.pop_front() else {
            if !part.is_empty() {
                break;
            }
            notes.extend(from.checkpoints(end).await.map_err(CopyError::Origin)?);
            if notes.is_empty() {
                return Err(CopyError::Origin(ReadError::Corrupt(
                    "a checkpoint is missing",
                )));
            }
            continue;
        };
        let size = claimed(&note)?;
        if size <= end {
            return Err(CopyError::Checkpoint { size });
        }
        end = size;
        part.push((size, note));
    }
    Ok(part)
}

/// Reads what belongs to the entries, and writes as much at once as memory should hold.
async fn write_part(
    from: &dyn Origin,
    to: &mut dyn Target,
    mut groups: Vec<Group>,
) -> Result<(), CopyError> {
    let mut rest = groups.as_mut_slice();
    while !rest.is_empty() {
        let (now, later) = rest.split_at_mut(fitting(rest));
        fill(from, now).await?;
        move_large(from, to, now).await?;
        to.put(now).await?;
        for group in now {
            group.records.clear();
        }
        rest = later;
    }
    Ok(())
}

/// Returns how many groups, one at least, have no more payloads than are held at once.
fn fitting(groups: &[Group]) -> usize {
    let mut bytes = 0;
    let weighs = |group: &Group| -> u64 {
        let payloads = group
            .records
            .iter()
            .flat_map(|record| &record.entry.header().payloads);
        let held = payloads.filter(|payload| !payload.is_large());
        held.map(|payload| payload.size).sum()
    };
    let fit = groups.iter().take_while(|group| {
        bytes += weighs(group);
        bytes <= PART_BYTES
    });
    fit.count().max(1)
}

/// Reads the idempotency keys and payloads of groups.
async fn fill(from: &dyn Origin, groups: &mut [Group]) -> Result<(), CopyError> {
    let first = groups.first().map_or(0, |group| group.before.size());
    let records = groups.iter().flat_map(|group| &group.records);
    let entries: Vec<Entry> = records.map(|record| record.entry.clone()).collect();
    let uses = from
        .uses(first, &entries)
        .await
        .map_err(CopyError::Origin)?;
    let found = from
        .payloads(first, &entries)
        .await
        .map_err(CopyError::Origin)?;
    if (uses.len(), found.len()) != (entries.len(), entries.len()) {
        return Err(CopyError::Origin(ReadError::Corrupt("an entry is missing")));
    }
    let records = groups.iter_mut().flat_map(|group| &mut group.records);
    for ((index, record), (used, found)) in (first..).zip(records).zip(uses.into_iter().zip(found))
    {
        record.payloads = follow::payloads(index, &record.entry, found)?;
        record.used = used;
    }
    Ok(())
}

/// Moves the large payloads of groups, one after the other: none of them is held in memory.
async fn move_large(
    from: &dyn Origin,
    to: &mut dyn Target,
    groups: &mut [Group],
) -> Result<(), CopyError> {
    let first = groups.first().map_or(0, |group| group.before.size());
    let records = groups.iter_mut().flat_map(|group| &mut group.records);
    for (index, record) in (first..).zip(records) {
        let references = record.entry.header().payloads.iter();
        let large = references.enumerate().filter(|(_, one)| one.is_large());
        for (place, reference) in large {
            let found = from.large(index, place, &reference.digest).await;
            let LargeStored { salt, parts } = found
                .map_err(CopyError::Origin)?
                .ok_or_else(|| follow::lacking(index))?;
            let payload = LargePayload {
                reference: reference.clone(),
                salt,
            };
            to.put_large(&payload, parts).await?;
            record.large.push(payload);
        }
    }
    Ok(())
}

/// Compares what the target gives back with what was read: the checkpoint, every tile, every stream's end.
async fn compare(from: &dyn Origin, to: &mut dyn Target, follow: &Follow) -> Result<(), CopyError> {
    if Some(to.checkpoint().await.map_err(CopyError::Target)?.as_str()) != follow.checkpoint() {
        return Err(CopyError::Differs("checkpoint".to_owned()));
    }
    for tile in Tile::grown(0, follow.size()) {
        let (one, other) = match tile.content {
            Content::Hashes(level) => {
                let one = from.tile(level, tile.index, tile.width).await;
                let other = to.tile(level, tile.index, tile.width).await;
                (
                    one.map_err(CopyError::Origin)?,
                    other.map_err(CopyError::Target)?,
                )
            }
            Content::Entries => {
                let first = tile.index * u64::from(journal::tile::WIDTH_MAX);
                let end = first + u64::from(tile.width);
                let one = from.entries(first, end).await.map_err(CopyError::Origin)?;
                let other = to.entries(first, end).await.map_err(CopyError::Target)?;
                (bundle(&one), bundle(&other))
            }
        };
        if one.is_none() || one != other {
            return Err(CopyError::Differs(tile.to_string()));
        }
    }
    let heads = to.heads().await.map_err(CopyError::Target)?;
    match follow.compare_heads(heads) {
        None => Ok(()),
        Some(stream) => Err(CopyError::Differs(format!("stream {stream}"))),
    }
}

fn bundle(entries: &[Entry]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for entry in entries {
        write_entry(&mut bytes, entry.bytes()).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
pub(crate) mod tests;
