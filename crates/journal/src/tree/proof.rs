use model::EntryHash;

use super::{Hash, Nodes, empty_root, fold, leaf, node_hash};

/// Why a proof cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// There is no such leaf, or no such older tree.
    #[error("`{asked}` lies outside a tree of size `{size}`")]
    OutOfRange {
        /// What was asked for.
        asked: u64,
        /// The tree's size.
        size: u64,
    },
    /// A node that should be there is not.
    #[error("the node at level `{level}`, index `{index}` is missing")]
    Missing {
        /// Its level.
        level: u8,
        /// Its index.
        index: u64,
    },
}

/// Why a proof does not prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Disproved {
    /// There can be no proof: the leaf or the older tree lies outside.
    #[error("`{asked}` lies outside a tree of size `{size}`")]
    OutOfRange {
        /// What was to be proved.
        asked: u64,
        /// The tree's size.
        size: u64,
    },
    /// A proof for these numbers has another length.
    #[error("the proof has `{0}` hashes, which is not the right number")]
    Length(usize),
    /// The hashes do not give the root.
    #[error("the proof does not lead to the root")]
    Root,
}

/// Computes the proof that the leaf at `index` is in the tree of `size` leaves (RFC 6962, section 2.1.1).
///
/// # Errors
/// When there is no such leaf, or a node is missing.
pub fn inclusion_proof(nodes: &impl Nodes, index: u64, size: u64) -> Result<Vec<Hash>, ProofError> {
    if index >= size {
        return Err(ProofError::OutOfRange { asked: index, size });
    }
    let mut proof = Vec::new();
    for level in 0..64_u8 {
        let last = (size - 1) >> level;
        if last == 0 {
            break;
        }
        let sibling = (index >> level) ^ 1;
        if sibling <= last {
            let start = sibling << level;
            proof.push(subtree(nodes, start, (1 << level).min(size - start))?);
        }
    }
    Ok(proof)
}

/// Computes the proof that the tree of `size` leaves begins with that of `old_size` (RFC 6962, section 2.1.2).
///
/// # Errors
/// When the older tree is empty or the larger one, or a node is missing.
pub fn consistency_proof(
    nodes: &impl Nodes,
    old_size: u64,
    size: u64,
) -> Result<Vec<Hash>, ProofError> {
    if old_size == 0 || old_size > size {
        return Err(ProofError::OutOfRange {
            asked: old_size,
            size,
        });
    }
    // Walks down from the root to where the older tree ends, and collects what lies beside the way.
    let (mut start, mut width, mut whole) = (0, size, true);
    let mut beside = Vec::new();
    while old_size - start < width {
        let half = 1 << (width - 1).ilog2();
        if old_size - start <= half {
            beside.push((start + half, width - half));
            width = half;
        } else {
            beside.push((start, half));
            start += half;
            width -= half;
            whole = false;
        }
    }
    if !whole {
        beside.push((start, width));
    }
    beside
        .into_iter()
        .rev()
        .map(|(start, width)| subtree(nodes, start, width))
        .collect()
}

/// Computes the root over `width` leaves from `start` on, which is a multiple of a power of two no smaller than `width`.
fn subtree(nodes: &impl Nodes, start: u64, width: u64) -> Result<Hash, ProofError> {
    let end = start + width;
    let mut parts = Vec::new();
    let mut at = start;
    for level in (0..64_u8).rev().filter(|level| (width >> level) & 1 == 1) {
        let index = at >> level;
        parts.push(
            nodes
                .node(level, index)
                .ok_or(ProofError::Missing { level, index })?,
        );
        at += 1 << level;
    }
    fold(parts.into_iter()).ok_or(ProofError::OutOfRange {
        asked: start,
        size: end,
    })
}

/// Checks that an entry is the leaf at `index` of the tree with `size` leaves and this root (RFC 9162, section 2.1.3.2).
///
/// # Errors
/// Says why the proof does not prove it.
pub fn verify_inclusion(
    entry: &EntryHash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), Disproved> {
    if index >= size {
        return Err(Disproved::OutOfRange { asked: index, size });
    }
    let (mut place, mut last) = (index, size - 1);
    let mut node = leaf(entry);
    for sibling in proof {
        if last == 0 {
            return Err(Disproved::Length(proof.len()));
        }
        if place & 1 == 1 || place == last {
            node = node_hash(sibling, &node);
            // A node without a right sibling moves up until it has a left one.
            let up = place.trailing_zeros();
            (place, last) = (place >> up, last >> up);
        } else {
            node = node_hash(&node, sibling);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    if last != 0 {
        return Err(Disproved::Length(proof.len()));
    }
    equal(&node, root)
}

/// Checks that the tree of `size` leaves begins with that of `old_size` (RFC 9162, section 2.1.4.2).
///
/// # Errors
/// Says why the proof does not prove it. Nothing follows from an empty older tree, so it is refused where the newer one
/// has leaves.
pub fn verify_consistency(
    old_size: u64,
    size: u64,
    proof: &[Hash],
    old_root: &Hash,
    root: &Hash,
) -> Result<(), Disproved> {
    if old_size == size {
        return match proof {
            [] if size == 0 && *root != empty_root() => Err(Disproved::Root),
            [] => equal(old_root, root),
            _ => Err(Disproved::Length(proof.len())),
        };
    }
    if old_size == 0 || old_size > size {
        return Err(Disproved::OutOfRange {
            asked: old_size,
            size,
        });
    }
    // A complete older tree is a node of the newer one, so its root is not repeated in the proof.
    let (first, rest) = match proof.split_first() {
        _ if old_size.is_power_of_two() => (*old_root, proof),
        Some((first, rest)) => (*first, rest),
        None => return Err(Disproved::Length(0)),
    };
    let up = (old_size - 1).trailing_ones();
    let (mut place, mut last) = ((old_size - 1) >> up, (size - 1) >> up);
    let (mut old_node, mut node) = (first, first);
    for sibling in rest {
        if last == 0 {
            return Err(Disproved::Length(proof.len()));
        }
        if place & 1 == 1 || place == last {
            old_node = node_hash(sibling, &old_node);
            node = node_hash(sibling, &node);
            let up = place.trailing_zeros();
            (place, last) = (place >> up, last >> up);
        } else {
            node = node_hash(&node, sibling);
        }
        (place, last) = (place >> 1, last >> 1);
    }
    if last != 0 {
        return Err(Disproved::Length(proof.len()));
    }
    equal(&old_node, old_root)?;
    equal(&node, root)
}

fn equal(node: &Hash, root: &Hash) -> Result<(), Disproved> {
    if node == root {
        Ok(())
    } else {
        Err(Disproved::Root)
    }
}
