//! How tiles grow: what a tile had before, as it is stored, and what is new.

use journal::tile::{Content, Tile, read_entries, write_entry, write_hashes};
use journal::tree::{Group, Hash, Nodes as _};
use model::Entry;

use super::{WIDTH, bundle_bytes, tile_at, tile_hashes};
use crate::ReadError;
use crate::aws::bucket::Bucket;

/// Makes a tile's bytes, after entries were appended to the log; `group` is what they did to the tree.
pub(in crate::aws) async fn grown(
    bucket: &Bucket,
    tile: Tile,
    entries: &[Entry],
    group: &Group,
) -> Result<Vec<u8>, ReadError> {
    match tile.content {
        Content::Entries => bundle(bucket, tile, entries, group.first()).await,
        Content::Hashes(level) => hashes(bucket, tile, level, group).await,
    }
}

async fn bundle(
    bucket: &Bucket,
    tile: Tile,
    entries: &[Entry],
    old: u64,
) -> Result<Vec<u8>, ReadError> {
    let start = tile.index * WIDTH;
    let mut bytes = match tile_at(old, tile.content, tile.index) {
        Some(before) => bundle_bytes(bucket, before).await?,
        None => Vec::new(),
    };
    let end = start + u64::from(tile.width);
    let new = (old..).zip(entries);
    for (_, entry) in new.filter(|(index, _)| (start..end).contains(index)) {
        write_entry(&mut bytes, entry.bytes())
            .map_err(|_| ReadError::Corrupt("an entry is too long for a bundle"))?;
    }
    read_entries(&bytes, tile.width)
        .map_err(|_| ReadError::Corrupt("a bundle of entries is none"))?;
    Ok(bytes)
}

async fn hashes(
    bucket: &Bucket,
    tile: Tile,
    level: u8,
    group: &Group,
) -> Result<Vec<u8>, ReadError> {
    let start = tile.index * WIDTH;
    let mut hashes: Vec<Hash> = match tile_at(group.first(), tile.content, tile.index) {
        Some(before) => tile_hashes(bucket, before).await?,
        None => Vec::new(),
    };
    for index in start + hashes.len() as u64..start + u64::from(tile.width) {
        let hash = group.node(level * 8, index);
        hashes.push(hash.ok_or(ReadError::Corrupt("the log's frontier lacks a node"))?);
    }
    Ok(write_hashes(&hashes))
}
