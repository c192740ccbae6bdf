//! The RFC 6962 Merkle tree over the log: hashing, the growing right edge, and proofs.
//!
//! A leaf is an entry's hash, `SHA-256(0x00 ‖ header)`; an inner node is `SHA-256(0x01 ‖ left ‖ right)`
//! (RFC 6962, section 2.1). The node at `(level, index)` is the root of the complete subtree over the leaves
//! `index · 2^level` to `(index + 1) · 2^level - 1`.

mod frontier;
mod proof;

use model::EntryHash;
use sha2::{Digest as _, Sha256};

pub use frontier::{Frontier, Group};
pub use model::Root as Hash;
pub use proof::{
    Disproved, ProofError, consistency_proof, inclusion_proof, verify_consistency, verify_inclusion,
};

/// Hashes of complete subtrees, from wherever they are kept.
pub trait Nodes {
    /// Returns the hash of a complete subtree, or `None` where it is not there.
    fn node(&self, level: u8, index: u64) -> Option<Hash>;
}

/// Computes the hash of an inner node.
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [1; 65];
    let (_, children) = bytes.split_at_mut(1);
    let (first, second) = children.split_at_mut(32);
    first.copy_from_slice(&left.0);
    second.copy_from_slice(&right.0);
    Hash(Sha256::digest(bytes).into())
}

/// Returns the root of the tree without leaves: SHA-256 of nothing.
#[must_use]
pub fn empty_root() -> Hash {
    Hash(Sha256::digest([]).into())
}

/// Returns an entry's hash as a node of level 0.
#[must_use]
pub const fn leaf(entry: &EntryHash) -> Hash {
    Hash(entry.0)
}

/// Computes the root of a run of complete subtrees of falling size, the largest first.
fn fold(subtrees: impl DoubleEndedIterator<Item = Hash>) -> Option<Hash> {
    subtrees
        .rev()
        .reduce(|right, left| node_hash(&left, &right))
}
