//! The export format: a journal, or ranges of its streams, as a text that is verified by itself. `docs/bundle.md` tells it
//! to those who read it with other tools.
//!
//! UTF-8 lines, each ended by one line feed, words separated by one space, hashes in lower-case hexadecimal, base64 with
//! padding, numbers in decimal without leading zeros. In this order:
//!
//! | line | what it says | how often |
//! |---|---|---|
//! | `trailmark-bundle 1 <journal id> <scope>` | format version 1; scope is `journal` or `streams` | once |
//! | `c <base64>` | the signed note of the checkpoint that everything is proved against | once |
//! | `k <size> <hash>…` | consistency proof from the log of that size to the checkpoint | at most once; scope `streams` |
//! | `s <stream> <from> <to>` | the bundle holds the stream's entries `from` to `to`, both included | once per stream, by name; scope `streams` |
//! | `h <index>` | the `heads` entry that says where streams end | at most once; scope `streams` |
//! | `m <stream> <map proof>` | what that entry's map says of a stream ([`crate::map::MapProof`]) | after `h`, at most once per stream, by name |
//! | `e <index> <hash> <header>` | an entry: place in the log, hash, canonical JSON | by rising index |
//! | `i <hash>…` | its inclusion proof, from the leaf up | right after `e`; scope `streams` |
//! | `p <digest> <salt> <base64>` | a payload, or the beginning of one | for each that the header names, in its order … |
//! | `+ <base64>` | more of the payload before it | any number after `p`, so that no line is long |
//! | `x <digest>` | … or that it is not here | |
//! | `end <lines> <sha-256>` | how many lines stand before this one, and the hash of their bytes | once |
//!
//! The hash of `end` leaves out what is found by a hash of its own: of an `e` line all that follows the space after its
//! hash, of a `p` line all that follows the space after its salt, of a `+` line all that follows its space, the line feed
//! included.
//!
//! Scope `journal` holds every entry from index 0 to the checkpoint's last, so it needs neither claims nor proofs. Scope
//! `streams` holds exactly the entries that lie in at least one claimed range; entry 0, the genesis, is always among
//! them (as `s admin 0 …`), and so is the `heads` entry of `h` (as `s heads …`), every `key-rotated` entry that the
//! checkpoint's signature rests on, and every `clock-corrected` entry across which time goes back.

mod line;
mod reader;
mod writer;

use std::collections::BTreeMap;

use model::StreamName;
use serde::{Deserialize, Serialize};

use crate::map::MapProof;
use crate::tree::Hash;

pub(crate) use line::Line;
pub(crate) use reader::{ReadError, Reader};
pub use writer::Writer;

/// Returns the bytes of a line, line feed included, that the hash of `end` covers.
pub(crate) fn sealed(line: &[u8]) -> &[u8] {
    let spaces = match line.first_chunk() {
        Some(b"e " | b"p ") => 3,
        Some(b"+ ") => 1,
        _ => return line,
    };
    let mut space = line.iter().enumerate().filter(|(_, byte)| **byte == b' ');
    space
        .nth(spaces - 1)
        .and_then(|(at, _)| line.get(..=at))
        .unwrap_or(line)
}

/// The format version that this program reads and writes.
pub const VERSION: &str = "1";

/// What a bundle is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Every entry up to the checkpoint.
    Journal,
    /// Ranges of streams.
    Streams,
}

impl Scope {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Journal => "journal",
            Self::Streams => "streams",
        }
    }
}

/// What a bundle of streams says that it holds, and what shows that nothing is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// The proof that an older log is the beginning of this one.
    pub consistency: Option<Consistency>,
    /// By stream, the first and the last seq that it holds.
    pub ranges: BTreeMap<StreamName, (u64, u64)>,
    /// What shows that ranges reach their stream's head.
    pub heads: Option<HeadsClaim>,
}

/// The proof that an older log is the beginning of the checkpoint's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consistency {
    /// The older log's size.
    pub size: u64,
    /// The proof (RFC 6962, section 2.1.2).
    pub proof: Vec<Hash>,
}

/// A `heads` entry, and what its map says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadsClaim {
    /// The entry's index.
    pub index: u64,
    /// By stream, what the map says of it: the head of a claimed range, or that the stream has no entry.
    pub proofs: BTreeMap<StreamName, MapProof>,
}
