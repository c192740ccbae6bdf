//! The log as it is followed from its first entry on: what each entry and each checkpoint must be.

use std::collections::BTreeMap;

use journal::Head;
use journal::key::KeyChain;
use journal::kind::{ClockCorrected, Genesis, KeyRotated, read};
use journal::note::{Checkpoint, Note};
use journal::tree::Frontier;
use model::kind::Fields as _;
use model::{Entry, EntryHash, Header, JournalId, Payload, StreamName};

use super::{Copied, CopyError, Group, Record};
use crate::{ReadError, StoredPayload};

pub(super) struct Follow {
    journal: JournalId,
    frontier: Frontier,
    heads: BTreeMap<StreamName, Head>,
    keys: Option<KeyChain>,
    era: u64,
    checkpoint: Option<String>,
}

impl Follow {
    pub(super) const fn new(journal: JournalId) -> Self {
        Self {
            journal,
            frontier: Frontier::new(),
            heads: BTreeMap::new(),
            keys: None,
            era: 0,
            checkpoint: None,
        }
    }

    pub(super) const fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Returns the newest checkpoint.
    pub(super) fn checkpoint(&self) -> Option<&str> {
        self.checkpoint.as_deref()
    }

    /// Takes a checkpoint with the entries that it added, and verifies both.
    pub(super) fn group(&mut self, note: String, entries: Vec<Entry>) -> Result<Group, CopyError> {
        let (before, era) = (self.frontier.clone(), self.era);
        for (index, entry) in (before.size()..).zip(&entries) {
            self.entry(entry)
                .map_err(|what| CopyError::Entry { index, what })?;
        }
        let hashes: Vec<EntryHash> = entries.iter().map(Entry::hash).collect();
        for hash in &hashes {
            self.frontier.append(hash);
        }
        let size = self.size();
        let wrong = || CopyError::Checkpoint { size };
        let key = self.keys.as_ref().ok_or_else(wrong)?.log().clone();
        let said = Checkpoint::open(&note, &key).map_err(|_| wrong())?;
        if said != Checkpoint::of(&self.journal, &self.frontier) {
            return Err(CopyError::Checkpoint { size: said.size });
        }
        self.checkpoint = Some(note.clone());
        let records = entries.into_iter().map(|entry| Record {
            entry,
            used: None,
            payloads: Vec::new(),
            large: Vec::new(),
        });
        Ok(Group {
            checkpoint: note,
            key,
            before,
            after: self.frontier.clone(),
            era,
            records: records.collect(),
        })
    }

    fn entry(&mut self, entry: &Entry) -> Result<(), &'static str> {
        let header = entry.header();
        if header.journal != self.journal {
            return Err("it is another journal's");
        }
        self.key(header)?;
        self.era += u64::from(header.kind.as_str() == ClockCorrected::KIND);
        for link in &header.links {
            let head = Head {
                seq: link.seq,
                hash: entry.hash(),
                recorded_ms: header.recorded_ms,
            };
            let before = match self.heads.get_mut(&link.stream) {
                Some(known) => Some(std::mem::replace(known, head)),
                None => self.heads.insert(link.stream.clone(), head),
            };
            let follows = match before {
                Some(before) => link.seq == before.seq + 1 && link.previous == Some(before.hash),
                None => link.seq == 0 && link.previous.is_none(),
            };
            if !follows {
                return Err("it does not follow the entry before it in a stream");
            }
        }
        Ok(())
    }

    fn key(&mut self, header: &Header) -> Result<(), &'static str> {
        const BAD: &str = "what it says of the journal's keys does not hold";
        let Some(keys) = &mut self.keys else {
            let genesis = read::<Genesis>(header).ok().flatten();
            let chain = genesis.and_then(|genesis| KeyChain::begin(&self.journal, genesis));
            self.keys = Some(chain.ok_or("it is no genesis of this journal")?);
            return Ok(());
        };
        match read::<KeyRotated>(header) {
            Ok(Some(rotated)) => keys.rotate(&rotated).map_err(|_| BAD),
            Ok(None) => Ok(()),
            Err(_) => Err(BAD),
        }
    }

    /// Returns a stream whose end is not the one that was read.
    pub(super) fn compare_heads(&self, found: Vec<(StreamName, Head)>) -> Option<StreamName> {
        let found: BTreeMap<_, _> = found.into_iter().collect();
        let differs = |one: &BTreeMap<StreamName, Head>, other: &BTreeMap<StreamName, Head>| {
            let mut heads = one.iter();
            let found = heads.find(|(stream, head)| other.get(*stream) != Some(*head));
            found.map(|(stream, _)| stream.clone())
        };
        differs(&self.heads, &found).or_else(|| differs(&found, &self.heads))
    }

    pub(super) fn finish(self, written: u64) -> Result<Copied, CopyError> {
        let keys = self.keys.ok_or(CopyError::Origin(ReadError::Corrupt(
            "the journal has no entry",
        )))?;
        Ok(Copied {
            size: self.frontier.size(),
            root: self.frontier.root(),
            written,
            log_key: keys.log().clone(),
            permit_key: *keys.permit(),
        })
    }
}

/// Reads what a checkpoint says its size is; whether that is so is for [`Follow::group`] to find out.
pub(super) fn claimed(note: &str) -> Result<u64, CopyError> {
    let checkpoint = note
        .parse::<Note>()
        .ok()
        .and_then(|note| note.unverified_text().parse::<Checkpoint>().ok());
    checkpoint
        .map(|checkpoint| checkpoint.size)
        .ok_or(CopyError::Origin(ReadError::Corrupt(
            "a checkpoint is none",
        )))
}

/// Verifies the payloads of an entry.
pub(super) fn payloads(
    index: u64,
    entry: &Entry,
    found: Vec<StoredPayload>,
) -> Result<Vec<Payload>, CopyError> {
    let references = || {
        let references = entry.header().payloads.iter();
        references.filter(|reference| !reference.is_large())
    };
    let payloads: Vec<Payload> = references()
        .zip(found)
        .map(|(reference, found)| Payload {
            role: reference.role,
            media_type: reference.media_type.clone(),
            schema: reference.schema.clone(),
            salt: found.salt,
            bytes: found.bytes,
        })
        .collect();
    if payloads
        .iter()
        .map(Payload::reference)
        .eq(references().cloned())
    {
        Ok(payloads)
    } else {
        Err(lacking(index))
    }
}

pub(super) const fn lacking(index: u64) -> CopyError {
    CopyError::Entry {
        index,
        what: "a payload is missing, or not what its digest says",
    }
}
