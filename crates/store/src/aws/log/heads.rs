//! The last entry of every stream as of some size of the log, as an object, `heads/<size>`.
//!
//! Four lines: `trailmark heads 1`, the journal, the root of the log of that size, and how many streams there are; then
//! for each stream, by name: the length of its name as one byte, its name, and, as 8, 32 and 8 bytes, big endian, its
//! last entry's seq, hash and recorded time. The root tells a list from one that a log had which was lost since.

use std::collections::BTreeMap;

use journal::Head;
use journal::tree::Hash;
use model::{Entry, EntryHash, JournalId, StreamName};

use crate::ReadError;

/// Room for more streams than memory has.
pub(super) const BYTES_MAX: u64 = 1 << 31;
const MAGIC: &str = "trailmark heads 1";
const NO_HEADS: ReadError = ReadError::Corrupt("a list of heads is none");

pub(super) fn key(size: u64) -> String {
    format!("heads/{size}")
}

/// The last entry of every stream as of the log's first so many entries.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Heads {
    size: u64,
    heads: BTreeMap<StreamName, Head>,
}

impl Heads {
    pub(super) fn of(size: u64, heads: Vec<(StreamName, Head)>) -> Self {
        Self {
            size,
            heads: heads.into_iter().collect(),
        }
    }

    pub(super) const fn size(&self) -> u64 {
        self.size
    }

    /// Takes the next entry of the log.
    pub(super) fn append(&mut self, entry: &Entry) {
        let header = entry.header();
        for link in &header.links {
            let head = Head {
                seq: link.seq,
                hash: entry.hash(),
                recorded_ms: header.recorded_ms,
            };
            match self.heads.get_mut(&link.stream) {
                Some(known) => *known = head,
                None => {
                    self.heads.insert(link.stream.clone(), head);
                }
            }
        }
        self.size += 1;
    }

    pub(super) fn into_list(self) -> Vec<(StreamName, Head)> {
        self.heads.into_iter().collect()
    }

    pub(super) fn write(&self, journal: &JournalId, root: &Hash) -> Vec<u8> {
        let mut bytes = format!("{MAGIC}\n{journal}\n{root}\n{}\n", self.heads.len()).into_bytes();
        for (stream, head) in &self.heads {
            let name = stream.as_str().as_bytes();
            // A stream's name is at most 160 bytes long.
            bytes.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
            bytes.extend_from_slice(name);
            bytes.extend_from_slice(&head.seq.to_be_bytes());
            bytes.extend_from_slice(&head.hash.0);
            bytes.extend_from_slice(&head.recorded_ms.to_be_bytes());
        }
        bytes
    }

    /// Reads a list, and the root of the log that it is of.
    pub(super) fn read(
        journal: &JournalId,
        size: u64,
        bytes: &[u8],
    ) -> Result<(Self, Hash), ReadError> {
        let mut lines = bytes.splitn(5, |byte| *byte == b'\n');
        let mut line = || std::str::from_utf8(lines.next()?).ok();
        let of_journal = line() == Some(MAGIC) && line() == Some(journal.as_str());
        let root = line().and_then(|root| root.parse::<Hash>().ok());
        let count = line().and_then(|count| count.parse::<usize>().ok());
        let counted = root.zip(count).filter(|_| of_journal);
        let (Some((root, count)), Some(mut rest)) = (counted, lines.next()) else {
            return Err(NO_HEADS);
        };
        let mut heads = BTreeMap::new();
        while !rest.is_empty() {
            let (stream, head, after) = read_one(rest).ok_or(NO_HEADS)?;
            heads.insert(stream, head);
            rest = after;
        }
        if heads.len() == count {
            Ok((Self { size, heads }, root))
        } else {
            Err(NO_HEADS)
        }
    }
}

fn read_one(bytes: &[u8]) -> Option<(StreamName, Head, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(*length))?;
    let (seq, rest) = rest.split_first_chunk()?;
    let (hash, rest) = rest.split_first_chunk()?;
    let (recorded_ms, rest) = rest.split_first_chunk()?;
    let head = Head {
        seq: u64::from_be_bytes(*seq),
        hash: EntryHash(*hash),
        recorded_ms: u64::from_be_bytes(*recorded_ms),
    };
    Some((std::str::from_utf8(name).ok()?.parse().ok()?, head, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_heads_is_read_as_it_was_written() {
        let journal: JournalId = "trailmark/test".parse().unwrap();
        let head = |seq, byte| Head {
            seq,
            hash: EntryHash([byte; 32]),
            recorded_ms: 1_700_000_000_000 + seq,
        };
        let list = vec![
            ("admin".parse().unwrap(), head(0, 10)),
            ("trail/flow/a".parse().unwrap(), head(1 << 40, 200)),
        ];
        let heads = Heads::of(7, list.clone());
        let root = Hash([10; 32]);
        let bytes = heads.write(&journal, &root);
        let begin = format!("trailmark heads 1\ntrailmark/test\n{root}\n2\n\u{5}admin\0\0");
        assert!(bytes.starts_with(begin.as_bytes()));
        assert_eq!(
            Heads::read(&journal, 7, &bytes).unwrap(),
            (heads.clone(), root)
        );
        assert_eq!(heads.into_list(), list);
        for length in 0..bytes.len() {
            Heads::read(&journal, 7, &bytes[..length]).unwrap_err();
        }
        let other = "trailmark/other".parse().unwrap();
        Heads::read(&other, 7, &bytes).unwrap_err();
    }
}
