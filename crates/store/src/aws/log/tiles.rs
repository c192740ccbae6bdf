use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use journal::tile::{Content, Tile, TileNodes, WIDTH_MAX};
use journal::tree::{Frontier, Hash, Nodes, ProofError, consistency_proof, inclusion_proof};

use super::super::bucket::Bucket;
use super::super::parallel;
use super::{MISSING, tile_hashes};
use crate::ReadError;

pub(in crate::aws) const WIDTH: u64 = WIDTH_MAX as u64;
/// Full tiles that are kept in memory, 8 KiB each: the upper levels of any log, and what was asked last of the lowest.
const KEPT_MAX: usize = 1_024;

/// The tile at an index, as wide as a log of `size` entries has it.
pub(in crate::aws) fn at(size: u64, content: Content, index: u64) -> Option<Tile> {
    let level = match content {
        Content::Entries => 0,
        Content::Hashes(level) => level,
    };
    let in_level = size.checked_shr(8 * u32::from(level))?;
    let width = in_level.checked_sub(index.checked_mul(WIDTH)?)?.min(WIDTH);
    (width > 0).then_some(Tile {
        content,
        index,
        width: u16::try_from(width).ok()?,
    })
}

/// What is to be proved.
#[derive(Debug, Clone, Copy)]
pub(super) enum Proof {
    /// That the log holds what stands at an index.
    Inclusion(u64),
    /// That the log continues that of so many entries.
    Consistency(u64),
    /// The right edge of the tree over so many entries: what its root follows from.
    Edge(u64),
}

impl Proof {
    fn make(self, nodes: &impl Nodes, size: u64) -> Result<Vec<Hash>, ProofError> {
        match self {
            Self::Inclusion(index) => inclusion_proof(nodes, index, size),
            Self::Consistency(from) => consistency_proof(nodes, from, size),
            Self::Edge(of) => Ok(Frontier::from_nodes(nodes, of)?.edge().to_vec()),
        }
    }
}

/// The hash tiles of a log. Those that are full never change, and some of them are kept.
#[derive(Debug)]
pub(super) struct Tiles {
    bucket: Bucket,
    kept: Mutex<HashMap<Tile, Arc<Vec<Hash>>>>,
}

impl Tiles {
    pub(super) fn new(bucket: Bucket) -> Self {
        Self {
            bucket,
            kept: Mutex::default(),
        }
    }

    pub(super) fn forget(&self) {
        self.kept().clear();
    }

    pub(super) async fn read(&self, tile: Tile) -> Result<Arc<Vec<Hash>>, ReadError> {
        let kept = self.kept().get(&tile).cloned();
        if let Some(kept) = kept {
            return Ok(kept);
        }
        let hashes = Arc::new(tile_hashes(&self.bucket, tile).await?);
        if tile.width == WIDTH_MAX {
            let mut kept = self.kept();
            if kept.len() >= KEPT_MAX {
                kept.clear();
            }
            kept.insert(tile, Arc::clone(&hashes));
        }
        Ok(hashes)
    }

    /// Proves something of a log of `size` entries.
    ///
    /// First it is found out which tiles that takes, then they are read, all at once, then it is proved.
    pub(super) async fn prove(
        self: &Arc<Self>,
        size: u64,
        proof: Proof,
    ) -> Result<Vec<Hash>, ReadError> {
        let reads = needed(size, proof).into_iter().map(|tile| {
            let tiles = Arc::clone(self);
            async move { Ok::<_, ReadError>((tile, tiles.read(tile).await?)) }
        });
        let read: HashMap<_, _> = parallel::all(reads).await?.into_iter().collect();
        let nodes = TileNodes::new(size, |tile| Some(read.get(&tile)?.to_vec()));
        proof.make(&nodes, size).map_err(|_| MISSING)
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<Tile, Arc<Vec<Hash>>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Finds out which tiles a proof takes, by making it from nothing.
fn needed(size: u64, proof: Proof) -> BTreeSet<Tile> {
    let needed = RefCell::new(BTreeSet::new());
    let nodes = TileNodes::new(size, |tile| {
        needed.borrow_mut().insert(tile);
        Some(vec![Hash([0; 32]); usize::from(tile.width)])
    });
    // What cannot be proved from nothing cannot be proved from tiles, and is found out then.
    let _ = proof.make(&nodes, size);
    needed.into_inner()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_in_a_large_log_takes_one_tile_of_each_level() {
        let needed = needed(70_000, Proof::Inclusion(513));
        let names: Vec<String> = needed.iter().map(Tile::to_string).collect();
        assert_eq!(
            names,
            [
                "tile/0/002",
                "tile/0/273.p/112",
                "tile/1/000",
                "tile/1/001.p/17"
            ]
        );
    }

    #[test]
    fn a_tile_is_as_wide_as_the_log_has_it() {
        let width =
            |size, level, index| at(size, Content::Hashes(level), index).map(|tile| tile.width);
        assert_eq!(width(300, 0, 0), Some(256));
        assert_eq!(width(300, 0, 1), Some(44));
        assert_eq!(width(300, 1, 0), Some(1));
        assert_eq!(width(300, 0, 2), None);
        assert_eq!(width(256, 0, 1), None);
        assert_eq!(width(300, 8, 0), None);
        assert_eq!(width(300, 200, 0), None);
    }
}
