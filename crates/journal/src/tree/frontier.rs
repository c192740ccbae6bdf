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

#[cfg(test)]
mod tests {
    use model::Entry;
    use proptest::prelude::*;

    use super::*;
    use crate::tree::{consistency_proof, verify_consistency, verify_inclusion};

    /// The leaves that implementations of RFC 6962 test with, and the roots over the first one, two, three … of them.
    const LEAVES: [&str; 8] = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    const ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    /// The tree hash by its definition (RFC 6962, section 2.1).
    fn naive_root(leaves: &[EntryHash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [only] => leaf(only),
            _ => {
                let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                node_hash(&naive_root(left), &naive_root(right))
            }
        }
    }

    fn leaves(count: u64) -> Vec<EntryHash> {
        (0..count)
            .map(|index| Entry::hash_of(&index.to_be_bytes()))
            .collect()
    }

    #[test]
    fn the_roots_of_the_known_leaves_are_the_known_ones() {
        let mut frontier = Frontier::new();
        assert_eq!(frontier.root().to_string(), ROOTS[0]);
        for (leaf, root) in LEAVES.iter().zip(&ROOTS[1..]) {
            frontier.append(&Entry::hash_of(&hex::decode(leaf).unwrap()));
            assert_eq!(frontier.root().to_string(), *root);
        }
    }

    #[test]
    fn an_edge_of_the_wrong_length_is_no_frontier() {
        let whole = Frontier::new().append_group(&leaves(11)).after;
        let edge = whole.edge().to_vec();
        assert_eq!(Frontier::from_edge(11, edge.clone()), Some(whole));
        assert_eq!(Frontier::from_edge(12, edge), None);
    }

    #[test]
    fn what_lies_outside_a_tree_has_no_proof() {
        let group = Frontier::new().append_group(&leaves(5));
        for (asked, size) in [(5, 5), (9, 5), (0, 0)] {
            let outside = ProofError::OutOfRange { asked, size };
            assert_eq!(inclusion_proof(&group, asked, size), Err(outside));
        }
        for (asked, size) in [(0, 5), (6, 5)] {
            let outside = ProofError::OutOfRange { asked, size };
            assert_eq!(consistency_proof(&group, asked, size), Err(outside));
        }
        let missing = ProofError::Missing { level: 0, index: 6 };
        assert_eq!(inclusion_proof(&group, 7, 8), Err(missing));
    }

    proptest! {
        #[test]
        fn a_group_has_the_root_and_the_proofs_of_the_whole_tree(old in 0..600_u64, added in 0..300_u64) {
            let all = leaves(old + added);
            let (first, rest) = all.split_at(usize::try_from(old).unwrap());
            let mut frontier = Frontier::new();
            frontier.append_group(first);
            let group = frontier.append_group(rest);
            let root = naive_root(&all);
            prop_assert_eq!(group.root(), root);
            prop_assert_eq!((group.first(), group.size()), (old, old + added));
            let whole = Frontier::new().append_group(&all);
            for (index, leaf) in (old..).zip(rest) {
                let proof = group.proof(index).unwrap();
                prop_assert_eq!(&proof, &whole.proof(index).unwrap());
                prop_assert_eq!(verify_inclusion(leaf, index, group.size(), &proof, &root), Ok(()));
                prop_assert!(verify_inclusion(leaf, index ^ 1, group.size(), &proof, &root).is_err());
            }
            prop_assert_eq!(Frontier::from_nodes(&whole, old).unwrap().root(), naive_root(first));
            for (level, index, hash) in group.nodes() {
                prop_assert_eq!(whole.node(level, index), Some(hash));
            }
        }

        #[test]
        fn a_tree_is_proved_to_begin_with_each_older_one(old in 1..300_u64, added in 0..300_u64) {
            let all = leaves(old + added);
            let group = Frontier::new().append_group(&all);
            let proof = consistency_proof(&group, old, old + added).unwrap();
            let old_root = naive_root(&all[..usize::try_from(old).unwrap()]);
            let root = group.root();
            prop_assert_eq!(verify_consistency(old, old + added, &proof, &old_root, &root), Ok(()));
            if added > 0 {
                prop_assert!(verify_consistency(old, old + added, &proof, &root, &root).is_err());
                prop_assert!(verify_consistency(old, old + added, &proof[1..], &old_root, &root).is_err());
            }
        }
    }
}
