use model::kind::Fields as _;
use model::{EntryError, Header, JournalId};

use super::PublicKey;
use crate::kind::{self, Genesis, KeyRotated, NotVouched, Purpose};
use crate::note::{Checkpoint, NoteError, Vkey};

/// The keys of a journal, each vouched for by the one before it, as the journal's own entries say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyChain {
    journal: JournalId,
    /// Those whose place another took, the oldest first.
    older: Vec<Vkey>,
    log: Vkey,
    permit: PublicKey,
}

/// Why entries say nothing of a journal's keys.
#[derive(Debug, thiserror::Error)]
pub enum KeyChainError {
    /// The first entry is not the journal's genesis.
    #[error("the journal does not begin with its genesis entry")]
    NoGenesis,
    /// An entry's fields are not of its kind's form.
    #[error("an entry about keys is malformed")]
    Fields(#[from] EntryError),
    /// A new key is not vouched for by the one before it.
    #[error("the journal's keys do not lead from one to the next")]
    NotVouched(#[from] NotVouched),
}

impl KeyChain {
    /// Begins with the keys that genesis names; `None` where that log key is another journal's.
    #[must_use]
    pub fn begin(journal: &JournalId, genesis: Genesis) -> Option<Self> {
        (genesis.log_key.name() == journal.as_str()).then(|| Self {
            journal: journal.clone(),
            older: Vec::new(),
            log: genesis.log_key,
            permit: genesis.permit_key,
        })
    }

    /// Reads the keys from stream `admin`, which is given in its order from genesis on. Other entries than those that
    /// [`speak`](Self::is_told_by) of keys may be left out.
    ///
    /// # Errors
    /// When it does not begin with genesis, or a key is not vouched for.
    pub fn read<'a>(
        journal: &JournalId,
        admin: impl IntoIterator<Item = &'a Header>,
    ) -> Result<Self, KeyChainError> {
        let mut admin = admin.into_iter();
        let genesis = admin.next().map(kind::read::<Genesis>).transpose()?;
        let mut chain = genesis
            .flatten()
            .and_then(|genesis| Self::begin(journal, genesis))
            .ok_or(KeyChainError::NoGenesis)?;
        for header in admin {
            if let Some(rotated) = kind::read::<KeyRotated>(header)? {
                chain.rotate(&rotated)?;
            }
        }
        Ok(chain)
    }

    /// Says whether an entry speaks of the journal's keys.
    #[must_use]
    pub fn is_told_by(header: &Header) -> bool {
        [Genesis::KIND, KeyRotated::KIND].contains(&header.kind.as_str())
    }

    /// Takes a new key, for which the one before it must vouch.
    ///
    /// # Errors
    /// When it does not; then nothing is taken.
    pub fn rotate(&mut self, rotated: &KeyRotated) -> Result<(), NotVouched> {
        let old = match rotated.purpose {
            Purpose::Log => self.log.public(),
            Purpose::Permit => &self.permit,
        };
        if !rotated.is_vouched(&self.journal, old) {
            return Err(NotVouched {
                old: old.to_string(),
                new: rotated.key.to_string(),
            });
        }
        match rotated.purpose {
            Purpose::Log => {
                let new = Vkey::new(&self.journal, rotated.key);
                self.older.push(std::mem::replace(&mut self.log, new));
            }
            Purpose::Permit => self.permit = rotated.key,
        }
        Ok(())
    }

    /// Returns the newest log key, which signs checkpoints.
    #[must_use]
    pub const fn log(&self) -> &Vkey {
        &self.log
    }

    /// Lists all log keys that there were, the newest first.
    pub fn logs(&self) -> impl Iterator<Item = &Vkey> {
        std::iter::once(&self.log).chain(self.older.iter().rev())
    }

    /// Returns the newest permit key.
    #[must_use]
    pub const fn permit(&self) -> &PublicKey {
        &self.permit
    }

    /// Reads a checkpoint that one of the log's keys signed, the newest or one before it.
    ///
    /// # Errors
    /// When none did, or it is not a checkpoint of this journal.
    pub fn open(&self, note: &str) -> Result<Checkpoint, NoteError> {
        let newest = Checkpoint::open(note, &self.log);
        let mut older = self.older.iter().rev();
        newest.or_else(|error| {
            older
                .find_map(|key| Checkpoint::open(note, key).ok())
                .ok_or(error)
        })
    }
}
