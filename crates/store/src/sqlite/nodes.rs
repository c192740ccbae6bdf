//! The tree, from what is stored of it: leaves stand with the entries, roots of full tiles in a table of their own.

use std::cell::RefCell;
use std::collections::HashMap;

use journal::tree::{Hash, Nodes, node_hash};
use rusqlite::{Connection, Result};

/// Levels of the tree that one tile spans (C2SP tlog-tiles).
pub(super) const TILE_HEIGHT: u8 = 8;
/// Hashes of a full tile.
pub(super) const TILE_WIDTH: u64 = 1 << TILE_HEIGHT;

/// Reads nodes by whole tiles, each once.
pub(super) struct StoredNodes<'c> {
    connection: &'c Connection,
    tiles: RefCell<HashMap<(u8, u64), Vec<Hash>>>,
}

impl<'c> StoredNodes<'c> {
    pub(super) fn new(connection: &'c Connection) -> Self {
        Self {
            connection,
            tiles: RefCell::new(HashMap::new()),
        }
    }
}

impl Nodes for StoredNodes<'_> {
    fn node(&self, level: u8, index: u64) -> Option<Hash> {
        let (tile_level, height) = (level / TILE_HEIGHT, level % TILE_HEIGHT);
        let first = index << height;
        let place = (tile_level, first / TILE_WIDTH);
        let mut tiles = self.tiles.borrow_mut();
        let hashes = match tiles.entry(place) {
            std::collections::hash_map::Entry::Occupied(read) => read.into_mut(),
            std::collections::hash_map::Entry::Vacant(unread) => {
                unread.insert(tile(self.connection, place.0, place.1, TILE_WIDTH).ok()?)
            }
        };
        let start = usize::try_from(first % TILE_WIDTH).ok()?;
        let below = hashes.get(start..start + (1 << height))?;
        root(below)
    }
}

/// Reads up to `width` hashes of a tile.
pub(super) fn tile(
    connection: &Connection,
    level: u8,
    index: u64,
    width: u64,
) -> Result<Vec<Hash>> {
    let first = index * TILE_WIDTH;
    let hash = |row: &rusqlite::Row<'_>| row.get(0).map(Hash);
    if level == 0 {
        connection
            .prepare_cached("SELECT hash FROM entry WHERE idx >= ?1 AND idx < ?2 ORDER BY idx")?
            .query_map([first, first + width], hash)?
            .collect()
    } else {
        connection
            .prepare_cached(
                "SELECT hash FROM node WHERE level = ?1 AND idx >= ?2 AND idx < ?3 ORDER BY idx",
            )?
            .query_map(
                (level * TILE_HEIGHT, first, first.saturating_add(width)),
                hash,
            )?
            .collect()
    }
}

/// Computes the root over a power of two of nodes.
fn root(nodes: &[Hash]) -> Option<Hash> {
    match nodes {
        [] => None,
        [one] => Some(*one),
        several => {
            let (left, right) = several.split_at(several.len() / 2);
            Some(node_hash(&root(left)?, &root(right)?))
        }
    }
}
