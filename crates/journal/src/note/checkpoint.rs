use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use model::JournalId;

use super::{Note, NoteError, Vkey};
use crate::key::{LogKey, Signature};
use crate::tree::{Frontier, Hash};

/// The state of a log: three lines, its origin, its size in decimal, and its root in base64.
///
/// Extension lines, which the specification advises against, are refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// The journal.
    pub origin: JournalId,
    /// How many entries the log has.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
}

impl Checkpoint {
    /// Describes a log that ends with this frontier.
    #[must_use]
    pub fn of(origin: &JournalId, frontier: &Frontier) -> Self {
        Self {
            origin: origin.clone(),
            size: frontier.size(),
            root: frontier.root(),
        }
    }

    /// Signs it, and returns the note's text.
    ///
    /// # Errors
    /// Never, for a text that this type writes.
    pub fn sign(&self, key: &LogKey) -> Result<String, NoteError> {
        Ok(Note::sign(self.to_string(), key)?.to_string())
    }

    /// Returns the bytes that the log's key signs, where it is not here to [`sign`](Self::sign).
    #[must_use]
    pub fn to_sign(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }

    /// Puts the log key's signature, made elsewhere, to it, and returns the note's text.
    ///
    /// # Errors
    /// When the signature is not the key's over [`Checkpoint::to_sign`], or the key is another journal's.
    pub fn signed_with(&self, key: &Vkey, signature: Signature) -> Result<String, NoteError> {
        let note = Note::signed_with(self.to_string(), key, signature)?.to_string();
        Self::open(&note, key)?;
        Ok(note)
    }

    /// Reads the checkpoint of the journal that `key` names, and checks its signature.
    ///
    /// # Errors
    /// When the note is not signed by the key, or is not a checkpoint of this journal.
    pub fn open(note: &str, key: &Vkey) -> Result<Self, NoteError> {
        let checkpoint: Self = note.parse::<Note>()?.open(key)?.parse()?;
        if checkpoint.origin.as_str() == key.name() {
            Ok(checkpoint)
        } else {
            Err(NoteError::Origin {
                expected: key.name().to_owned(),
                found: checkpoint.origin.to_string(),
            })
        }
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let root = STANDARD.encode(self.root.0);
        writeln!(out, "{}\n{}\n{root}", self.origin, self.size)
    }
}

impl FromStr for Checkpoint {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let lines: Vec<_> = text.split('\n').collect();
        let [origin, size, root, ""] = lines.as_slice() else {
            return Err(NoteError::Checkpoint("it does not have three lines"));
        };
        let root = STANDARD
            .decode(root)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or(NoteError::Checkpoint("the root is not 32 bytes in base64"))?;
        Ok(Self {
            origin: origin
                .parse()
                .map_err(|_| NoteError::Checkpoint("the origin is not a journal id"))?,
            size: crate::decimal(size)
                .ok_or(NoteError::Checkpoint("the size is not a decimal number"))?,
            root: Hash(root),
        })
    }
}
