//! Exports: what a stranger needs to check everything without asking us.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write;

use journal::bundle::{Claims, HeadsClaim, Writer};
use journal::map::End;
use journal::note::{Checkpoint, Note};
use journal::tile::{Content, Tile, TileNodes, read_hashes};
use journal::tree::{Hash, inclusion_proof};
use model::{Body, Entry, Fingerprint, PayloadDigest, PayloadRef, Role, StreamName};
use store::bulk::LargeStored;
use store::{Direction, Stored, StoredPayload};

use crate::caller::Caller;
use crate::decision::Grounds;
use crate::error::{HistoryError, RecorderError};
use crate::heads::Covered;
use crate::recorder::Recorder;

/// Entries read at once.
const PAGE: usize = 500;
/// Payloads read at once.
const GROUP_BYTES_MAX: u64 = 8 * 1024 * 1024;

impl Recorder {
    /// Writes a bundle with everything that the journal knows about an artifact: its own streams, those that decisions
    /// on it rest on, and all definitions, with proofs, each stream complete up to a `heads` entry: one made for it, or, where another
    /// seals, the newest that is sealed, a few minutes old.
    ///
    /// # Errors
    /// When the artifact is not known, or the journal cannot be read or written.
    pub async fn export_artifact<W: Write + Send>(
        &self,
        caller: &Caller,
        fingerprint: &Fingerprint,
        out: W,
    ) -> Result<W, RecorderError> {
        caller.require_any()?;
        let streams = self.streams_about(fingerprint).await?;
        let mut covered = self.covered().await?;
        let mut claims = Claims::default();
        let mut proofs = BTreeMap::new();
        for stream in streams {
            let proof = covered.keeper.map().prove(&stream);
            if let End::Head { seq, .. } = &proof.end {
                claims.ranges.insert(stream.clone(), (0, *seq));
            }
            proofs.insert(stream, proof);
        }
        // The artifact is newer than what can be shown as complete.
        if !claims
            .ranges
            .contains_key(&StreamName::artifact(fingerprint))
        {
            return Err(RecorderError::Unsealed);
        }
        let Covered {
            index,
            seq,
            checkpoint: note,
            ..
        } = covered;
        // The `heads` entry itself comes after all that it covers: a range of its own, of which nothing more is said.
        claims.ranges.insert(StreamName::heads(), (seq, seq));
        claims.heads = Some(HeadsClaim { index, proofs });

        let entries: Vec<_> = self.entries_of(&claims).await?.into_iter().collect();
        let size = checkpoint_of(&note)?.size;
        let mut tiles = HashMap::new();
        let mut writer = Writer::streams(out, self.store.journal(), &note, &claims)
            .map_err(RecorderError::Export)?;
        for group in groups(&entries) {
            let payloads = self.payloads_for(caller, group).await?;
            for ((index, entry), payloads) in group.iter().zip(&payloads) {
                let proof = self.prove(*index, size, &mut tiles).await?;
                let header = writer.header(*index, entry, Some(&proof));
                header.map_err(RecorderError::Export)?;
                self.write_payloads(&mut writer, entry, payloads).await?;
            }
        }
        writer.finish().map_err(RecorderError::Export)
    }

    /// Writes a bundle of the whole journal, up to now.
    ///
    /// # Errors
    /// When the journal cannot be read or written.
    pub async fn export_journal<W: Write + Send>(
        &self,
        caller: &Caller,
        out: W,
    ) -> Result<W, RecorderError> {
        caller.require_any()?;
        // Where another seals, what is sealed is the journal; its `heads` entries are among it.
        if self.store.seals_at_once() && self.store.status().await?.read_only.is_none() {
            drop(self.write_heads().await?);
        }
        let note = self.store.checkpoint().await?;
        let size = checkpoint_of(&note)?.size;
        let mut writer =
            Writer::journal(out, self.store.journal(), &note).map_err(RecorderError::Export)?;
        let mut next = 0;
        while next < size {
            let page = self.store.entries(next, PAGE).await?;
            if page.is_empty() {
                break;
            }
            next += page.len() as u64;
            let placed = |stored: Stored| Some((stored.index?, stored.entry));
            let entries = page.into_iter().filter_map(placed);
            let entries: Vec<_> = entries.filter(|(index, _)| *index < size).collect();
            for group in groups(&entries) {
                let payloads = self.payloads_for(caller, group).await?;
                for ((index, entry), payloads) in group.iter().zip(&payloads) {
                    let header = writer.header(*index, entry, None);
                    header.map_err(RecorderError::Export)?;
                    self.write_payloads(&mut writer, entry, payloads).await?;
                }
            }
        }
        writer.finish().map_err(RecorderError::Export)
    }

    /// Finds the streams that say something about an artifact, or that a decision on it rests on.
    async fn streams_about(
        &self,
        fingerprint: &Fingerprint,
    ) -> Result<BTreeSet<StreamName>, RecorderError> {
        let artifact = StreamName::artifact(fingerprint);
        let entries = self.load(&artifact).await?;
        if entries.is_empty() {
            return Err(RecorderError::Unknown {
                what: "artifact",
                name: fingerprint.to_string(),
            });
        }
        let mut streams = BTreeSet::from([
            StreamName::admin(),
            artifact,
            StreamName::running(fingerprint),
        ]);
        for loaded in entries.iter() {
            match &loaded.body {
                Body::ArtifactRecorded(recorded) => {
                    streams.insert(StreamName::trail(&recorded.flow, &recorded.trail));
                    streams.insert(StreamName::commit(&recorded.commit));
                }
                Body::Decided(_) | Body::Tried(_) => {
                    let view = self.decision_view(&loaded.entry.hash()).await?;
                    let Grounds { position, .. } = view.grounds;
                    streams.extend(position.into_iter().map(|place| place.stream));
                }
                _ => {}
            }
        }
        Ok(streams)
    }

    /// Reads the entries of all claimed ranges, each once, in the order of the log.
    async fn entries_of(&self, claims: &Claims) -> Result<BTreeMap<u64, Entry>, RecorderError> {
        let mut entries = BTreeMap::new();
        for (stream, (from, to)) in &claims.ranges {
            let mut next = *from;
            while next <= *to {
                let page = self
                    .store
                    .range(stream, next, PAGE, Direction::Forward)
                    .await?;
                if page.is_empty() {
                    return Err(HistoryError::StreamMissing {
                        stream: stream.clone(),
                        entries: to + 1,
                    }
                    .into());
                }
                next += page.len() as u64;
                // What comes after the range need not be sealed.
                let seq = |stored: &Stored| stored.entry.header().link(stream).map(|link| link.seq);
                let page = page.into_iter().filter(|stored| seq(stored) <= Some(*to));
                entries.extend(self.in_the_log(page.collect()).await?);
            }
        }
        Ok(entries)
    }

    /// Gives entries their places in the log.
    async fn in_the_log(&self, page: Vec<Stored>) -> Result<Vec<(u64, Entry)>, RecorderError> {
        let unplaced = page.iter().filter(|stored| stored.index.is_none());
        let hashes: Vec<_> = unplaced.map(|stored| stored.entry.hash()).collect();
        let mut positions = if hashes.is_empty() {
            Vec::new()
        } else {
            self.store.positions(&hashes).await?
        }
        .into_iter();
        page.into_iter()
            .map(|stored| {
                let index = stored.index.or_else(|| positions.next().flatten());
                Ok((index.ok_or(RecorderError::Unsealed)?, stored.entry))
            })
            .collect()
    }

    /// Proves an entry in the tree of `size`, reading tiles as they are needed.
    async fn prove(
        &self,
        index: u64,
        size: u64,
        tiles: &mut HashMap<Tile, Vec<Hash>>,
    ) -> Result<Vec<Hash>, RecorderError> {
        loop {
            let needed = Cell::new(None);
            let found = {
                let nodes = TileNodes::new(size, |tile| {
                    let hashes = tiles.get(&tile).cloned();
                    if hashes.is_none() {
                        needed.set(Some(tile));
                    }
                    hashes
                });
                inclusion_proof(&nodes, index, size)
            };
            let tile: Tile = match (found, needed.take()) {
                (Ok(proof), _) => return Ok(proof),
                (Err(_), Some(tile)) => tile,
                (Err(_), None) => return Err(damaged()),
            };
            let Content::Hashes(level) = tile.content else {
                return Err(damaged());
            };
            let bytes = self
                .store
                .tile(level, tile.index, tile.width)
                .await?
                .ok_or_else(damaged)?;
            let hashes = read_hashes(&bytes, tile.width).map_err(|_| damaged())?;
            tiles.insert(tile, hashes);
        }
    }

    /// Writes an entry's payloads: those that were read, and large ones part by part as they are.
    async fn write_payloads<W: Write + Send>(
        &self,
        writer: &mut Writer<W>,
        entry: &Entry,
        payloads: &[Option<StoredPayload>],
    ) -> Result<(), RecorderError> {
        let written = RecorderError::Export;
        for (reference, payload) in entry.header().payloads.iter().zip(payloads) {
            let digest = reference.digest;
            let large = if reference.is_large() {
                self.store.bulk().payload(&digest).await?
            } else {
                None
            };
            match (payload, large) {
                (Some(StoredPayload { salt, bytes }), _) => {
                    writer.payload(digest, salt, bytes).map_err(written)?;
                }
                (None, Some(LargeStored { salt, mut parts })) => {
                    writer.payload(digest, &salt, &[]).map_err(written)?;
                    while let Some(part) = parts.next().await? {
                        writer.more(&part).map_err(written)?;
                    }
                }
                (None, None) => writer.absent(digest).map_err(written)?,
            }
        }
        Ok(())
    }

    /// Reads entries' payloads with one call, without large ones; what is said of people only for those who may see it.
    async fn payloads_for(
        &self,
        caller: &Caller,
        entries: &[(u64, Entry)],
    ) -> Result<Vec<Vec<Option<StoredPayload>>>, RecorderError> {
        let shown = |reference: &PayloadRef| {
            !reference.is_large() && (reference.role != Role::People || caller.sees_people())
        };
        let references = |entry: &Entry| entry.header().payloads.clone();
        let digests: Vec<PayloadDigest> = entries
            .iter()
            .flat_map(|(_, entry)| references(entry))
            .filter(shown)
            .map(|reference| reference.digest)
            .collect();
        let mut found = if digests.is_empty() {
            Vec::new()
        } else {
            self.store.payloads(&digests).await?
        }
        .into_iter();
        let mut of = |entry: &Entry| {
            let found = |reference| shown(&reference).then(|| found.next().flatten()).flatten();
            references(entry).into_iter().map(found).collect()
        };
        Ok(entries.iter().map(|(_, entry)| of(entry)).collect())
    }
}

/// Splits entries so that the payloads of each part have a place in memory.
fn groups(entries: &[(u64, Entry)]) -> impl Iterator<Item = &[(u64, Entry)]> {
    let size = |(_, entry): &(u64, Entry)| {
        let payloads = entry.header().payloads.iter();
        let held = payloads.filter(|payload| !payload.is_large());
        held.map(|payload| payload.size).sum::<u64>()
    };
    let mut bytes = entries.first().map_or(0, size);
    entries.chunk_by(move |_, next| {
        bytes = bytes.saturating_add(size(next));
        let fits = bytes <= GROUP_BYTES_MAX;
        if !fits {
            bytes = size(next);
        }
        fits
    })
}

fn checkpoint_of(note: &str) -> Result<Checkpoint, RecorderError> {
    let checkpoint = note
        .parse::<Note>()
        .and_then(|note| note.unverified_text().parse());
    checkpoint.map_err(|_| damaged())
}

fn damaged() -> RecorderError {
    RecorderError::Read(store::ReadError::Corrupt(
        "its tree is not that of its checkpoint",
    ))
}
