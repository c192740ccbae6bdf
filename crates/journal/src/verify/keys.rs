use model::JournalId;

use super::{Pin, Wrong};
use crate::key::PublicKey;
use crate::kind::{Genesis, KeyRotated, Purpose};
use crate::note::{Checkpoint, Note, NoteError, Vkey};

/// The keys of a journal, one after the other, and the checkpoint that the newest one must have signed.
pub(super) struct Keys {
    journal: JournalId,
    note: Note,
    /// The log's keys so far, the newest last.
    log: Vec<Vkey>,
    permit: Option<PublicKey>,
    /// Whether the newest key signed the checkpoint.
    signed: bool,
}

impl Keys {
    /// Takes a checkpoint, and returns what it says until a key has confirmed it.
    pub(super) fn new(journal: &JournalId, note: &str) -> Result<(Self, Checkpoint), Wrong> {
        let note: Note = note.parse().map_err(Wrong::BadSignature)?;
        let checkpoint: Checkpoint = note
            .unverified_text()
            .parse()
            .map_err(Wrong::BadSignature)?;
        if checkpoint.origin != *journal {
            return Err(Wrong::BadSignature(NoteError::Origin {
                expected: journal.to_string(),
                found: checkpoint.origin.to_string(),
            }));
        }
        let keys = Self {
            journal: journal.clone(),
            note,
            log: Vec::new(),
            permit: None,
            signed: false,
        };
        Ok((keys, checkpoint))
    }

    /// Takes the first keys.
    pub(super) fn begin(&mut self, genesis: Genesis) -> Result<(), Wrong> {
        if genesis.log_key.name() != self.journal.as_str() {
            return Err(Wrong::NoGenesis);
        }
        self.permit = Some(genesis.permit_key);
        self.follow(genesis.log_key)
    }

    /// Takes a new key, which the one before it must vouch for.
    pub(super) fn rotate(&mut self, rotated: &KeyRotated) -> Result<(), Wrong> {
        let old = match rotated.purpose {
            Purpose::Log => self.log.last().map(|key| *key.public()),
            Purpose::Permit => self.permit,
        };
        if !old.is_some_and(|old| rotated.is_vouched(&self.journal, &old)) {
            return Err(Wrong::NotVouched);
        }
        match rotated.purpose {
            Purpose::Log => self.follow(Vkey::new(&self.journal, rotated.key)),
            Purpose::Permit => {
                self.permit = Some(rotated.key);
                Ok(())
            }
        }
    }

    /// Returns the newest log key and the newest permit key, once all is well with checkpoint and pin.
    pub(super) fn finish(self, pin: &Pin) -> Result<(Vkey, PublicKey), Wrong> {
        let (Some(newest), Some(permit)) = (self.log.last(), self.permit) else {
            return Err(Wrong::NoGenesis);
        };
        if !self.signed {
            return Err(Wrong::BadSignature(NoteError::Unsigned(newest.to_string())));
        }
        if pin
            .log_key
            .as_ref()
            .is_some_and(|key| !self.log.contains(key))
        {
            return Err(Wrong::OtherKey);
        }
        if let Some(note) = &pin.checkpoint {
            let opened = self
                .log
                .iter()
                .any(|key| Checkpoint::open(note, key).is_ok());
            if !opened {
                return Err(Wrong::BadSignature(NoteError::Unsigned(newest.to_string())));
            }
        }
        Ok((newest.clone(), permit))
    }

    /// Makes a key the newest. A signature that is not there may be by a key that is still to come; a wrong one is wrong.
    fn follow(&mut self, key: Vkey) -> Result<(), Wrong> {
        self.signed = match self.note.open(&key) {
            Ok(_) => true,
            Err(NoteError::Unsigned(_)) => false,
            Err(error) => return Err(Wrong::BadSignature(error)),
        };
        self.log.push(key);
        Ok(())
    }
}
