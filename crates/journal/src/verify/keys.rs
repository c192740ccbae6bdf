use model::JournalId;

use super::{Pin, Wrong};
use crate::key::{KeyChain, PublicKey};
use crate::kind::{Genesis, KeyRotated, Purpose};
use crate::note::{Checkpoint, Note, NoteError, Vkey};

/// The keys of a journal, one after the other, and the checkpoint that the newest one must have signed.
pub(super) struct Keys {
    journal: JournalId,
    note: Note,
    /// The keys so far, once genesis was read.
    chain: Option<KeyChain>,
    /// Whether the newest log key signed the checkpoint.
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
            chain: None,
            signed: false,
        };
        Ok((keys, checkpoint))
    }

    /// Takes the first keys.
    pub(super) fn begin(&mut self, genesis: Genesis) -> Result<(), Wrong> {
        let chain = KeyChain::begin(&self.journal, genesis).ok_or(Wrong::NoGenesis)?;
        self.signed = is_signed(&self.note, chain.log())?;
        self.chain = Some(chain);
        Ok(())
    }

    /// Takes a new key, which the one before it must vouch for.
    pub(super) fn rotate(&mut self, rotated: &KeyRotated) -> Result<(), Wrong> {
        let chain = self.chain.as_mut().ok_or(Wrong::NoGenesis)?;
        chain.rotate(rotated).map_err(|_| Wrong::NotVouched)?;
        if rotated.purpose == Purpose::Log {
            self.signed = is_signed(&self.note, chain.log())?;
        }
        Ok(())
    }

    /// Returns the newest log key and the newest permit key, once all is well with checkpoint and pin.
    pub(super) fn finish(self, pin: &Pin) -> Result<(Vkey, PublicKey), Wrong> {
        let chain = self.chain.ok_or(Wrong::NoGenesis)?;
        let unsigned = || Wrong::BadSignature(NoteError::Unsigned(chain.log().to_string()));
        if !self.signed {
            return Err(unsigned());
        }
        let is_pinned = |pinned: &Vkey| chain.logs().any(|key| key == pinned);
        if !pin.log_key.as_ref().is_none_or(is_pinned) {
            return Err(Wrong::OtherKey);
        }
        if let Some(note) = &pin.checkpoint {
            chain.open(note).map_err(|_| unsigned())?;
        }
        Ok((chain.log().clone(), *chain.permit()))
    }
}

/// A signature that is not there may be by a key that is still to come; a wrong one is wrong.
fn is_signed(note: &Note, key: &Vkey) -> Result<bool, Wrong> {
    match note.open(key) {
        Ok(_) => Ok(true),
        Err(NoteError::Unsigned(_)) => Ok(false),
        Err(error) => Err(Wrong::BadSignature(error)),
    }
}
