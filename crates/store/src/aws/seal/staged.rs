//! What a seal adds to the log, as an object, `staged/<number>-<root>`: all that publishing needs.
//!
//! Five lines: `trailmark staged 1`, the journal, the seal's number, the size of the log before it, and the roots of the
//! complete subtrees of that log, as hexadecimal; then the headers of the entries, each after its length as two bytes,
//! as in a bundle. The tree that they give has the root in the seal's checkpoint, so nothing of it need be believed.

use journal::tile::write_entry;
use journal::tree::{Frontier, Group, Hash};
use model::{Entry, EntryHash, JournalId};

use super::super::layout::Seal;
use crate::ReadError;

const MAGIC: &str = "trailmark staged 1";
/// A step's entries, each of the largest, twice.
pub(super) const BYTES_MAX: u64 = 256 * 1024 * 1024;
const NOT_STAGED: ReadError = ReadError::Corrupt("what a seal staged is not what it sealed");

/// The entries that a seal adds, in the order of the log.
#[derive(Debug, Clone)]
pub(super) struct Staged {
    pub(super) number: u64,
    /// The log before them.
    pub(super) before: Frontier,
    pub(super) entries: Vec<Entry>,
}

impl Staged {
    pub(super) fn key(&self, root: &Hash) -> String {
        format!("staged/{:016}-{root}", self.number)
    }

    /// Computes the tree that they give.
    pub(super) fn group(&self) -> (Frontier, Group) {
        let hashes: Vec<EntryHash> = self.entries.iter().map(Entry::hash).collect();
        let mut frontier = self.before.clone();
        let group = frontier.append_group(&hashes);
        (frontier, group)
    }

    pub(super) fn write(&self, journal: &JournalId) -> Result<Vec<u8>, ReadError> {
        let Self { number, before, .. } = self;
        let edge: String = before.edge().iter().map(Hash::to_string).collect();
        let head = format!("{MAGIC}\n{journal}\n{number}\n{}\n{edge}\n", before.size());
        let mut bytes = head.into_bytes();
        for entry in &self.entries {
            write_entry(&mut bytes, entry.bytes())
                .map_err(|_| ReadError::Corrupt("an entry is too long for a bundle"))?;
        }
        Ok(bytes)
    }

    /// Reads what a seal staged, and checks that it is that.
    pub(super) fn read(journal: &JournalId, seal: &Seal, bytes: &[u8]) -> Result<Self, ReadError> {
        let staged = Self::parse(journal, bytes).ok_or(NOT_STAGED)?;
        if staged.number == seal.number && staged.group().0 == seal.frontier {
            Ok(staged)
        } else {
            Err(NOT_STAGED)
        }
    }

    fn parse(journal: &JournalId, bytes: &[u8]) -> Option<Self> {
        let mut lines = bytes.splitn(6, |byte| *byte == b'\n');
        let mut line = || std::str::from_utf8(lines.next()?).ok();
        if line()? != MAGIC || line()? != journal.as_str() {
            return None;
        }
        let (number, size) = (line()?.parse().ok()?, line()?.parse().ok()?);
        let edge = hex::decode(line()?).ok()?;
        let (edge, odd) = edge.as_chunks::<32>();
        let edge = edge.iter().map(|hash| Hash(*hash)).collect();
        let mut rest = lines.next()?;
        let mut entries = Vec::new();
        while let Some((length, after)) = rest.split_first_chunk::<2>() {
            let length = usize::from(u16::from_be_bytes(*length));
            let (header, after) = after.split_at_checked(length)?;
            entries.push(Entry::parse(header).ok()?);
            rest = after;
        }
        let whole = rest.is_empty() && odd.is_empty();
        Some(Self {
            number,
            before: Frontier::from_edge(size, edge).filter(|_| whole)?,
            entries,
        })
    }
}
