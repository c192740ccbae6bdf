//! Tiles (C2SP tlog-tiles): the log as files that never change, so that existing tools can read it.
//!
//! A hash tile of level `L` holds up to 256 hashes of the tree's level `8·L`, at `tile/<L>/<N>`; an entry bundle holds
//! the headers of the same leaves, each after its length as two bytes, big endian, at `tile/entries/<N>`. A tile that is
//! not full has its width in its path, `….p/<W>`.

use std::fmt;
use std::str::FromStr;

use model::ParseError;
use model::limits::INTEGER_MAX;

use crate::tree::{Hash, Nodes, node_hash};

/// Hashes in a full tile, and entries in a full bundle.
pub const WIDTH_MAX: u16 = 256;
/// Levels of the tree in one tile.
const HEIGHT: u8 = 8;
/// A tree of 2^53 entries needs no higher tile.
const LEVEL_MAX: u8 = 6;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Content {
    /// The headers of entries.
    Entries,
    /// Hashes of this tile level.
    Hashes(u8),
}

/// Names a tile or an entry bundle, with how much of it there is. Its text is the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    /// What it holds.
    pub content: Content,
    /// Its place among those with the same content.
    pub index: u64,
    /// How many hashes or entries it has: 1 to [`WIDTH_MAX`].
    pub width: u16,
}

impl Tile {
    /// Lists the tiles and bundles that a tree of `size` leaves has and one of `old_size` did not.
    pub fn grown(old_size: u64, size: u64) -> impl Iterator<Item = Self> {
        let contents = [(Content::Entries, 0)].into_iter().chain(
            (0..=LEVEL_MAX).map(|level| (Content::Hashes(level), u32::from(level * HEIGHT))),
        );
        contents.flat_map(move |(content, shift)| {
            let (old, new) = (old_size >> shift, size >> shift);
            let width = u64::from(WIDTH_MAX);
            let end = if new > old { new.div_ceil(width) } else { 0 };
            (old / width..end).filter_map(move |index| {
                let width = (new - index * width).min(width);
                Some(Self {
                    content,
                    index,
                    width: u16::try_from(width).ok()?,
                })
            })
        })
    }
}

impl fmt::Display for Tile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.content {
            Content::Entries => out.write_str("tile/entries")?,
            Content::Hashes(level) => write!(out, "tile/{level}")?,
        }
        let digits = format!("{:03}", self.index);
        let digits = format!(
            "{digits:0>width$}",
            width = digits.len().next_multiple_of(3)
        );
        let last = digits.len() / 3 - 1;
        for place in 0..=last {
            let group = digits.get(place * 3..place * 3 + 3).unwrap_or_default();
            write!(out, "/{}{group}", if place < last { "x" } else { "" })?;
        }
        if self.width < WIDTH_MAX {
            write!(out, ".p/{}", self.width)?;
        }
        Ok(())
    }
}

impl FromStr for Tile {
    type Err = ParseError;

    fn from_str(path: &str) -> Result<Self, ParseError> {
        parse(path).ok_or_else(|| ParseError {
            value: path.chars().take(80).flat_map(char::escape_debug).collect(),
            expected: "a tile's path: `tile/<level or entries>/<index>`, with `.p/<width>` where it is not full",
        })
    }
}

fn parse(path: &str) -> Option<Tile> {
    let (content, rest) = path.strip_prefix("tile/")?.split_once('/')?;
    let content = match content {
        "entries" => Content::Entries,
        level => Content::Hashes(u8::try_from(crate::decimal(level)?).ok()?),
    };
    let (index, width) = match rest.split_once(".p/") {
        Some((index, width)) => (index, u16::try_from(crate::decimal(width)?).ok()?),
        None => (rest, WIDTH_MAX),
    };
    let digits: String = index
        .split('/')
        .map(|group| group.trim_start_matches('x'))
        .collect();
    if digits.len() > 18 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let tile = Tile {
        content,
        index: digits.parse().ok()?,
        width,
    };
    // Writing it again leaves no second spelling.
    let in_range = (1..=WIDTH_MAX).contains(&width)
        && tile.index <= INTEGER_MAX / u64::from(WIDTH_MAX)
        && !matches!(content, Content::Hashes(level) if level > LEVEL_MAX);
    (in_range && tile.to_string() == path).then_some(tile)
}

/// Why bytes are not the tile that they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TileError {
    /// There are more or fewer bytes than the width says.
    #[error("the tile does not have the `{0}` hashes or entries that its name says")]
    Width(u16),
    /// An entry is too long for its length field.
    #[error("an entry of `{0}` bytes does not fit into a bundle")]
    EntryTooLong(usize),
}

/// Writes a hash tile.
#[must_use]
pub fn write_hashes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.0).collect()
}

/// Reads a hash tile of this width.
///
/// # Errors
/// When there are more or fewer bytes.
pub fn read_hashes(bytes: &[u8], width: u16) -> Result<Vec<Hash>, TileError> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    if rest.is_empty() && hashes.len() == usize::from(width) {
        Ok(hashes.iter().map(|hash| Hash(*hash)).collect())
    } else {
        Err(TileError::Width(width))
    }
}

/// Appends an entry to a bundle.
///
/// # Errors
/// When the header is longer than 65,535 bytes, which no entry is.
pub fn write_entry(bundle: &mut Vec<u8>, header: &[u8]) -> Result<(), TileError> {
    let length = u16::try_from(header.len()).map_err(|_| TileError::EntryTooLong(header.len()))?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(header);
    Ok(())
}

/// Reads the headers in an entry bundle of this width.
///
/// # Errors
/// When there are more or fewer bytes.
pub fn read_entries(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>, TileError> {
    let mut rest = bytes;
    let mut entries = Vec::with_capacity(usize::from(width));
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let (entry, after) = after
            .split_at_checked(usize::from(u16::from_be_bytes(*length)))
            .ok_or(TileError::Width(width))?;
        entries.push(entry);
        rest = after;
    }
    if rest.is_empty() && entries.len() == usize::from(width) {
        Ok(entries)
    } else {
        Err(TileError::Width(width))
    }
}

/// The nodes of a tree, computed from its hash tiles.
pub struct TileNodes<F> {
    size: u64,
    read: F,
}

impl<F: Fn(Tile) -> Option<Vec<Hash>>> TileNodes<F> {
    /// Reads the tiles of a tree of `size` leaves with `read`.
    pub const fn new(size: u64, read: F) -> Self {
        Self { size, read }
    }
}

impl<F: Fn(Tile) -> Option<Vec<Hash>>> Nodes for TileNodes<F> {
    fn node(&self, level: u8, index: u64) -> Option<Hash> {
        let (tile_level, height) = (level / HEIGHT, level % HEIGHT);
        let first = index.checked_shl(u32::from(height))?;
        let in_level = self.size.checked_shr(u32::from(tile_level * HEIGHT))?;
        let tile_index = first / u64::from(WIDTH_MAX);
        let width = in_level
            .checked_sub(tile_index * u64::from(WIDTH_MAX))?
            .min(u64::from(WIDTH_MAX));
        let tile = Tile {
            content: Content::Hashes(tile_level),
            index: tile_index,
            width: u16::try_from(width).ok()?,
        };
        let hashes = (self.read)(tile)?;
        let start = usize::try_from(first % u64::from(WIDTH_MAX)).ok()?;
        let mut nodes = hashes.get(start..start + (1 << height))?.to_vec();
        while nodes.len() > 1 {
            let (pairs, _) = nodes.as_chunks::<2>();
            nodes = pairs
                .iter()
                .map(|[left, right]| node_hash(left, right))
                .collect();
        }
        nodes.first().copied()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use model::Entry;
    use proptest::prelude::*;

    use super::*;
    use crate::tree::{Frontier, inclusion_proof};

    const fn tile(content: Content, index: u64, width: u16) -> Tile {
        Tile {
            content,
            index,
            width,
        }
    }

    #[test]
    fn paths_are_those_of_the_specification() {
        for (tile, path) in [
            (tile(Content::Hashes(0), 0, 256), "tile/0/000"),
            (
                tile(Content::Hashes(3), 1_234_067, 256),
                "tile/3/x001/x234/067",
            ),
            (tile(Content::Hashes(1), 5, 17), "tile/1/005.p/17"),
            (
                tile(Content::Entries, 1_000, 1),
                "tile/entries/x001/000.p/1",
            ),
        ] {
            assert_eq!(tile.to_string(), path);
            assert_eq!(path.parse::<Tile>().unwrap(), tile);
        }
        for bad in [
            "",
            "tile/0/0",
            "tile/0/x000/001",
            "tile/0/001/234",
            "tile/0/x001/x234",
            "tile/00/001",
            "tile/7/001",
            "tile/-1/001",
            "tile/0/001.p/0",
            "tile/0/001.p/256",
            "tile/0/001.p/017",
            "tile/0/001.p/",
            "tile/0/../001",
            "tile/entries/xx01/234",
            "tile/0/x999/x999/x999/x999/x999/x999/999",
        ] {
            assert!(bad.parse::<Tile>().is_err(), "accepted `{bad}`");
        }
    }

    #[test]
    fn growth_names_every_tile_that_changed_and_no_other() {
        let names = |old, new| {
            Tile::grown(old, new)
                .map(|tile| tile.to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(names(0, 0), Vec::<String>::new());
        assert_eq!(names(0, 2), ["tile/entries/000.p/2", "tile/0/000.p/2"]);
        assert_eq!(
            names(255, 513),
            [
                "tile/entries/000",
                "tile/entries/001",
                "tile/entries/002.p/1",
                "tile/0/000",
                "tile/0/001",
                "tile/0/002.p/1",
                "tile/1/000.p/2",
            ]
        );
        assert_eq!(names(256, 257), ["tile/entries/001.p/1", "tile/0/001.p/1"]);
    }

    #[test]
    fn tiles_of_another_width_are_refused() {
        let hashes = [Hash([1; 32]), Hash([2; 32])];
        let bytes = write_hashes(&hashes);
        assert_eq!(read_hashes(&bytes, 2).unwrap(), hashes);
        assert_eq!(read_hashes(&bytes, 3), Err(TileError::Width(3)));
        assert_eq!(read_hashes(&bytes[1..], 2), Err(TileError::Width(2)));
        let mut bundle = Vec::new();
        write_entry(&mut bundle, b"one").unwrap();
        write_entry(&mut bundle, b"").unwrap();
        assert_eq!(bundle, b"\x00\x03one\x00\x00");
        assert_eq!(read_entries(&bundle, 2).unwrap(), [b"one".as_slice(), b""]);
        for length in 0..bundle.len() {
            assert!(read_entries(&bundle[..length], 2).is_err());
        }
        assert!(write_entry(&mut bundle, &[0; 65_536]).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn proofs_from_tiles_are_those_from_the_tree(size in 1..70_000_u64, index in any::<prop::sample::Index>()) {
            let leaves: Vec<_> = (0..size).map(|index| Entry::hash_of(&index.to_be_bytes())).collect();
            let group = Frontier::new().append_group(&leaves);
            let mut tiles = HashMap::new();
            for tile in Tile::grown(0, size) {
                let Content::Hashes(level) = tile.content else { continue };
                let first = tile.index * 256;
                let hashes = (first..first + u64::from(tile.width)).map(|index| group.node(level * 8, index).unwrap());
                tiles.insert(tile, hashes.collect::<Vec<_>>());
            }
            let nodes = TileNodes::new(size, |tile| tiles.get(&tile).cloned());
            let index = index.index(leaves.len()) as u64;
            prop_assert_eq!(inclusion_proof(&nodes, index, size), group.proof(index));
        }

        #[test]
        fn no_path_is_read_twice_in_two_ways(path in "tile/(entries|[0-9]{1,2})/(x?[0-9]{3}/){0,2}[0-9]{3}(\\.p/[0-9]{1,3})?") {
            if let Ok(tile) = path.parse::<Tile>() {
                prop_assert_eq!(tile.to_string(), path);
            }
        }
    }
}
