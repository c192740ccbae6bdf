use std::fmt;
use std::str::FromStr;

use model::{EntryHash, ParseError, Root, StreamName};

use super::{EMPTY, Leaf, bit, key_of};
use crate::tree::{Hash, node_hash};

/// A key has so many bits.
const DEPTH_MAX: usize = 256;

/// What a map says of one stream, with the siblings that lead from there to the root.
///
/// As text: `head <seq> <entry hash>`, `nothing`, or `other <key> <seq> <entry hash>`, and then the siblings from the
/// top down, all separated by one space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapProof {
    /// What stands at the end of the key's way.
    pub end: End,
    /// The hashes beside the way, from the top down.
    pub siblings: Vec<Hash>,
}

/// What stands at the end of a key's way through the map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The stream's head.
    Head {
        /// The place of its last entry.
        seq: u64,
        /// The last entry's hash.
        entry: EntryHash,
    },
    /// Nothing: the stream has no entry.
    Nothing,
    /// Another stream's leaf: the stream has no entry.
    Other(Leaf),
}

impl MapProof {
    /// Computes the root that the proof leads to for a stream; `None` where it cannot be a proof for this stream.
    ///
    /// Whoever finds the map's root has proved [`MapProof::end`].
    #[must_use]
    pub fn root(&self, stream: &StreamName) -> Option<Hash> {
        let key = key_of(stream);
        let depth = self.siblings.len();
        if depth > DEPTH_MAX {
            return None;
        }
        let end = match &self.end {
            End::Head { seq, entry } => Leaf::new(stream, *seq, *entry).hash(),
            End::Nothing => EMPTY,
            End::Other(leaf) => {
                let same_way = (0..depth).all(|depth| bit(&leaf.key, depth) == bit(&key, depth));
                if leaf.key == key || !same_way {
                    return None;
                }
                leaf.hash()
            }
        };
        let root = (0..depth)
            .zip(&self.siblings)
            .rev()
            .fold(end, |node, (depth, sibling)| {
                if bit(&key, depth) {
                    node_hash(sibling, &node)
                } else {
                    node_hash(&node, sibling)
                }
            });
        Some(root)
    }
}

impl fmt::Display for MapProof {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.end {
            End::Head { seq, entry } => write!(out, "head {seq} {entry}")?,
            End::Nothing => out.write_str("nothing")?,
            End::Other(leaf) => {
                write!(out, "other {} {} {}", Root(leaf.key), leaf.seq, leaf.entry)?;
            }
        }
        self.siblings
            .iter()
            .try_for_each(|sibling| write!(out, " {sibling}"))
    }
}

impl FromStr for MapProof {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        parse(text).ok_or_else(|| ParseError {
            value: text.chars().take(80).flat_map(char::escape_debug).collect(),
            expected: "a map proof: `head <seq> <entry>`, `nothing` or `other <key> <seq> <entry>`, and siblings",
        })
    }
}

fn parse(text: &str) -> Option<MapProof> {
    let mut words = text.split(' ');
    let end = match words.next()? {
        "head" => End::Head {
            seq: crate::decimal(words.next()?)?,
            entry: words.next()?.parse().ok()?,
        },
        "nothing" => End::Nothing,
        "other" => End::Other(Leaf {
            key: words.next()?.parse::<Root>().ok()?.0,
            seq: crate::decimal(words.next()?)?,
            entry: words.next()?.parse().ok()?,
        }),
        _ => return None,
    };
    let siblings: Vec<Hash> = words.map(|word| word.parse().ok()).collect::<Option<_>>()?;
    (siblings.len() <= DEPTH_MAX).then_some(MapProof { end, siblings })
}
