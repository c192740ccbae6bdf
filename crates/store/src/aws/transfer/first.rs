//! The first receipts of entries that were copied here: proofs against the first checkpoints that cover them.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};

use journal::Receipt;
use journal::receipt::Proved;
use journal::tile::{Content, Tile, TileNodes, read_hashes};
use journal::tree::{Hash, inclusion_proof, verify_inclusion};
use model::EntryHash;

use crate::aws::Dynamo;
use crate::aws::layout::{BatchId, Place, Seal, Use};
use crate::{Appended, ReadError, Stored};

const MISSING: ReadError = ReadError::Corrupt("an entry that was copied here is missing");

impl Dynamo {
    /// Reads copied entries that are stored already, with the receipts that were given for them.
    pub(in crate::aws) async fn known_copied(
        &self,
        uses: &[Use],
    ) -> Result<HashMap<(BatchId, usize), Appended>, ReadError> {
        let hashes: Vec<EntryHash> = uses.iter().map(|used| used.batch.first).collect();
        let mut places = self.records.places(&hashes).await?;
        let mut known = HashMap::new();
        for used in uses {
            let hash = used.batch.first;
            let place = places.remove(&hash).ok_or(MISSING)?;
            let receipt = self.first_receipt(&place, &hash).await?;
            let link = (place.stream, place.seq);
            let entry = self.records.entries_at(&[link]).await?.pop();
            let entry = entry.filter(|entry| entry.hash() == hash).ok_or(MISSING)?;
            let appended = Appended {
                stored: Stored::at(place.index, entry),
                receipt,
                replayed: true,
            };
            known.insert((used.batch, used.place), appended);
        }
        Ok(known)
    }

    async fn first_receipt(&self, place: &Place, hash: &EntryHash) -> Result<Receipt, ReadError> {
        let before = self.records.seal_before(place.index).await?;
        let number = before.map_or(0, |before| before.number + 1);
        let first = self.records.seal(number).await?.ok_or(MISSING)?;
        let tiles = self.tiles_for(place.index, first.size()).await?;
        prove(&first, &tiles, place.index, hash).ok_or(ReadError::Corrupt(
            "the log's tiles are not those of its checkpoint",
        ))
    }

    /// Reads the tiles that a proof takes, as wide as the log of that size had them. Only those of sizes at which the
    /// copy paused are stored, and wider ones begin with them.
    async fn tiles_for(
        &self,
        index: u64,
        size: u64,
    ) -> Result<HashMap<Tile, Vec<Hash>>, ReadError> {
        let published = self.published().await?.ok_or(MISSING)?;
        let mut tiles = HashMap::new();
        for tile in needed(index, size) {
            if let Content::Hashes(level) = tile.content {
                let bytes = self
                    .log
                    .tile(&published, level, tile.index, tile.width)
                    .await?;
                let hashes = read_hashes(&bytes.ok_or(MISSING)?, tile.width);
                tiles.insert(tile, hashes.map_err(|_| MISSING)?);
            }
        }
        Ok(tiles)
    }
}

fn needed(index: u64, size: u64) -> BTreeSet<Tile> {
    let needed = RefCell::new(BTreeSet::new());
    let nodes = TileNodes::new(size, |tile| {
        needed.borrow_mut().insert(tile);
        Some(vec![Hash([0; 32]); usize::from(tile.width)])
    });
    // What cannot be proved from nothing cannot be proved from tiles, and is found out then.
    let _ = inclusion_proof(&nodes, index, size);
    needed.into_inner()
}

fn prove(
    first: &Seal,
    tiles: &HashMap<Tile, Vec<Hash>>,
    index: u64,
    hash: &EntryHash,
) -> Option<Receipt> {
    let nodes = TileNodes::new(first.size(), |tile| tiles.get(&tile).cloned());
    let proof = inclusion_proof(&nodes, index, first.size()).ok()?;
    verify_inclusion(hash, index, first.size(), &proof, &first.frontier.root()).ok()?;
    Some(Receipt::Proved(Proved {
        checkpoint: first.checkpoint.clone(),
        entry: *hash,
        index,
        proof,
    }))
}
