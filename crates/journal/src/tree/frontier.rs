use model::EntryHash;

use super::{Hash, Nodes, ProofError, empty_root, fold, inclusion_proof, leaf, node_hash};

/// The right edge of a growing tree: all that is needed to append to it and to know its root.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    /// The roots of the complete subtrees that the tree falls into, the largest first: one for each bit set in `size`.
    edge: Vec<Hash>,
}

impl Frontier {
    /// Starts an empty tree.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            size: 0,
            edge: Vec::new(),
        }
    }

    /// Takes up a tree again from what [`Frontier::edge`] gave; `None` where the count of hashes is not that of the size.
    #[must_use]
    pub fn from_edge(size: u64, edge: Vec<Hash>) -> Option<Self> {
        (u64::from(size.count_ones()) == edge.len() as u64).then_some(Self { size, edge })
    }

    /// Takes up a tree again from its nodes.
    ///
    /// # Errors
    /// When a node is missing.
    pub fn from_nodes(nodes: &impl Nodes, size: u64) -> Result<Self, ProofError> {
        let edge = edge_places(size)
            .map(|(level, index)| {
                nodes
                    .node(level, index)
                    .ok_or(ProofError::Missing { level, index })
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { size, edge })
    }

    /// Returns how many leaves the tree has.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Returns the roots of the complete subtrees, the largest first.
    #[must_use]
    pub fn edge(&self) -> &[Hash] {
        &self.edge
    }

    /// Computes the root.
    #[must_use]
    pub fn root(&self) -> Hash {
        fold(self.edge.iter().copied()).unwrap_or_else(empty_root)
    }

    /// Appends one leaf.
    pub fn append(&mut self, entry: &EntryHash) {
        let mut node = leaf(entry);
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.edge.pop() {
                node = node_hash(&left, &node);
            }
        }
        self.edge.push(node);
        self.size += 1;
    }

    /// Appends the leaves of one group commit, and gives all that their proofs in the new tree need.
    ///
    /// No node of the old tree but its right edge is read: the path of a new leaf holds no other.
    pub fn append_group(&mut self, entries: &[EntryHash]) -> Group {
        let before = self.clone();
        for entry in entries {
            self.append(entry);
        }
        Group::new(before, self.clone(), entries)
    }
}

impl Nodes for Frontier {
    fn node(&self, level: u8, index: u64) -> Option<Hash> {
        let place = edge_places(self.size).position(|place| place == (level, index))?;
        self.edge.get(place).copied()
    }
}

/// Lists level and index of the complete subtrees that a tree falls into, the largest first.
fn edge_places(size: u64) -> impl Iterator<Item = (u8, u64)> {
    (0..64_u8)
        .rev()
        .filter(move |level| (size >> level) & 1 == 1)
        .map(move |level| (level, (size >> level) - 1))
}

/// Leaves that were appended together: the nodes they completed, and their proofs in the tree that ends with them.
#[derive(Debug, Clone)]
pub struct Group {
    before: Frontier,
    after: Frontier,
    /// By level, the nodes that were completed; the first one's index is the old size shifted by the level.
    levels: Vec<Vec<Hash>>,
}

impl Group {
    fn new(before: Frontier, after: Frontier, entries: &[EntryHash]) -> Self {
        let mut group = Self {
            levels: vec![entries.iter().map(leaf).collect()],
            before,
            after,
        };
        for level in 1..64_u8 {
            let completed = (group.before.size >> level)..(group.after.size >> level);
            if completed.is_empty() {
                break;
            }
            let nodes = completed
                .filter_map(|index| {
                    let left = group.node(level - 1, 2 * index)?;
                    let right = group.node(level - 1, 2 * index + 1)?;
                    Some(node_hash(&left, &right))
                })
                .collect();
            group.levels.push(nodes);
        }
        group
    }

    /// Returns the index of the first leaf of the group.
    #[must_use]
    pub const fn first(&self) -> u64 {
        self.before.size
    }

    /// Returns the size of the tree that ends with the group.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.after.size
    }

    /// Computes the root of the tree that ends with the group.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.after.root()
    }

    /// Lists the nodes that the group completed, as level, index and hash; leaves first, each level in order.
    pub fn nodes(&self) -> impl Iterator<Item = (u8, u64, Hash)> + '_ {
        (0..64_u8)
            .zip(&self.levels)
            .flat_map(move |(level, nodes)| {
                let first = self.before.size >> level;
                (first..)
                    .zip(nodes)
                    .map(move |(index, hash)| (level, index, *hash))
            })
    }

    /// Computes the inclusion proof of the leaf at `index`, one of the group, in the tree that ends with the group.
    ///
    /// # Errors
    /// When the leaf is not one of the group.
    pub fn proof(&self, index: u64) -> Result<Vec<Hash>, ProofError> {
        inclusion_proof(self, index, self.size())
    }
}

impl Nodes for Group {
    fn node(&self, level: u8, index: u64) -> Option<Hash> {
        let first = self.before.size.checked_shr(u32::from(level))?;
        match index.checked_sub(first) {
            Some(place) => self
                .levels
                .get(usize::from(level))?
                .get(usize::try_from(place).ok()?)
                .copied(),
            None => self.before.node(level, index),
        }
    }
}
