//! The Merkle map of stream → (seq, entry hash) that `heads` entries carry.
//!
//! A compact sparse Merkle tree. A stream's key is `SHA-256(stream name)`, read as 256 bits from the highest bit of the
//! first byte on. The root over a set of leaves is
//!
//! * none: 32 zero bytes;
//! * one, wherever in the tree: `SHA-256(0x00 ‖ key ‖ seq ‖ entry hash)`, the seq as 8 bytes, big endian;
//! * more: `SHA-256(0x01 ‖ left ‖ right)`, where `left` is the root over those whose next bit is 0, and `right` over
//!   those whose next bit is 1. The first bit splits at the top, and each level below uses the bit after.
//!
//! So a key has exactly one place. A proof lists the siblings on the key's way from the top, and says what stands at the
//! end of the way: the stream's own leaf (inclusion), nothing, or the leaf of another key whose bits so far are the same
//! (absence).

mod proof;

use model::{EntryHash, StreamName};
use sha2::{Digest as _, Sha256};

use crate::tree::{Hash, node_hash};

pub use proof::{End, MapProof};

/// The root over no leaves, and the sibling of a key that is alone in its half.
pub const EMPTY: Hash = Hash([0; 32]);

/// What the map says of one stream: its last entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaf {
    pub(crate) key: [u8; 32],
    /// The place of the stream's last entry.
    pub seq: u64,
    /// The last entry's hash.
    pub entry: EntryHash,
}

impl Leaf {
    /// Says where a stream ends.
    #[must_use]
    pub fn new(stream: &StreamName, seq: u64, entry: EntryHash) -> Self {
        Self {
            key: key_of(stream),
            seq,
            entry,
        }
    }

    fn hash(&self) -> Hash {
        let mut hasher = Sha256::new();
        hasher.update([0]);
        hasher.update(self.key);
        hasher.update(self.seq.to_be_bytes());
        hasher.update(self.entry.0);
        Hash(hasher.finalize().into())
    }
}

/// Computes a stream's key.
pub(crate) fn key_of(stream: &StreamName) -> [u8; 32] {
    Sha256::digest(stream.as_str()).into()
}

/// Returns a key's bit at a depth below the top.
fn bit(key: &[u8; 32], depth: usize) -> bool {
    key.get(depth / 8)
        .is_some_and(|byte| (byte >> (7 - depth % 8)) & 1 == 1)
}

/// A map that can be added to; only what changed is hashed again.
#[derive(Debug, Clone, Default)]
pub struct Map {
    top: Node,
    streams: u64,
}

#[derive(Debug, Clone, Default)]
enum Node {
    #[default]
    Empty,
    Leaf(Leaf),
    /// The hash is that of the children, or `None` since one of them changed.
    Inner(Box<[Node; 2]>, Option<Hash>),
}

impl Map {
    /// Starts an empty map.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns how many streams it holds.
    #[must_use]
    pub const fn streams(&self) -> u64 {
        self.streams
    }

    /// Sets the head of a stream.
    pub fn set(&mut self, leaf: Leaf) {
        if self.top.set(leaf, 0) {
            self.streams += 1;
        }
    }

    /// Computes the root.
    pub fn root(&mut self) -> Hash {
        self.top.hash()
    }

    /// Proves what the map says of a stream, also that it says nothing.
    pub fn prove(&mut self, stream: &StreamName) -> MapProof {
        let key = key_of(stream);
        let mut siblings = Vec::new();
        let mut node = &mut self.top;
        while let Node::Inner(children, _) = node {
            let [left, right] = children.as_mut();
            let (on_the_way, beside) = if bit(&key, siblings.len()) {
                (right, left)
            } else {
                (left, right)
            };
            siblings.push(beside.hash());
            node = on_the_way;
        }
        let end = match node {
            Node::Leaf(leaf) if leaf.key == key => End::Head {
                seq: leaf.seq,
                entry: leaf.entry,
            },
            Node::Leaf(leaf) => End::Other(*leaf),
            _ => End::Nothing,
        };
        MapProof { end, siblings }
    }
}

impl<'a> FromIterator<(&'a StreamName, u64, EntryHash)> for Map {
    fn from_iter<I: IntoIterator<Item = (&'a StreamName, u64, EntryHash)>>(heads: I) -> Self {
        let mut map = Self::new();
        for (stream, seq, entry) in heads {
            map.set(Leaf::new(stream, seq, entry));
        }
        map
    }
}

impl Node {
    /// Puts a leaf in its place, and says whether its key is new.
    fn set(&mut self, leaf: Leaf, depth: usize) -> bool {
        match self {
            Self::Empty => {
                *self = Self::Leaf(leaf);
                true
            }
            Self::Leaf(old) if old.key == leaf.key => {
                *old = leaf;
                false
            }
            Self::Leaf(old) => {
                let old = *old;
                *self = Self::Inner(Box::default(), None);
                self.set(old, depth);
                self.set(leaf, depth);
                true
            }
            Self::Inner(children, hash) => {
                *hash = None;
                let [left, right] = children.as_mut();
                let child = if bit(&leaf.key, depth) { right } else { left };
                child.set(leaf, depth + 1)
            }
        }
    }

    fn hash(&mut self) -> Hash {
        match self {
            Self::Empty => EMPTY,
            Self::Leaf(leaf) => leaf.hash(),
            Self::Inner(_, Some(hash)) => *hash,
            Self::Inner(children, hash) => {
                let [left, right] = children.as_mut();
                let computed = node_hash(&left.hash(), &right.hash());
                *hash = Some(computed);
                computed
            }
        }
    }
}
