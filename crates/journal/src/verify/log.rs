use model::EntryHash;

use super::{Pin, Wrong};
use crate::bundle::{Claims, Scope};
use crate::note::{Checkpoint, Note};
use crate::tree::{Frontier, verify_consistency, verify_inclusion};

/// Checks the places of entries in the log: their order, and that they are in the checkpoint's tree.
pub(super) struct Log {
    checkpoint: Checkpoint,
    /// What the pinned checkpoint says; whether it is signed, the keys say.
    pinned: Option<Checkpoint>,
    scope: Scope,
    /// The index after the last entry's.
    next: u64,
    /// The tree over all entries, where all are there.
    frontier: Frontier,
}

impl Log {
    pub(super) fn new(
        checkpoint: Checkpoint,
        scope: Scope,
        claims: &Claims,
        pin: &Pin,
    ) -> Result<Self, Wrong> {
        let pinned = pin
            .checkpoint
            .as_deref()
            .map(|note| {
                note.parse::<Note>()?
                    .unverified_text()
                    .parse::<Checkpoint>()
            })
            .transpose()
            .map_err(Wrong::BadSignature)?;
        let log = Self {
            checkpoint,
            pinned,
            scope,
            next: 0,
            frontier: Frontier::new(),
        };
        log.check_pinned(claims)?;
        Ok(log)
    }

    /// Returns the size of the pinned checkpoint.
    pub(super) fn consistent_with(&self) -> Option<u64> {
        self.pinned.as_ref().map(|pinned| pinned.size)
    }

    /// Takes the index of the next entry.
    pub(super) fn advance(&mut self, index: u64) -> Result<(), Wrong> {
        let due = self.next;
        match self.scope {
            Scope::Journal if index > due => Err(Wrong::Missing(due)),
            _ if index < due => Err(Wrong::Reordered { expected: due }),
            _ => {
                self.next = index + 1;
                Ok(())
            }
        }
    }

    /// Appends the next entry of a whole journal.
    pub(super) fn append(&mut self, entry: &EntryHash) -> Result<(), Wrong> {
        self.frontier.append(entry);
        if self.frontier.size() > self.checkpoint.size {
            return Err(Wrong::NotInTree(crate::tree::Disproved::OutOfRange {
                asked: self.next - 1,
                size: self.checkpoint.size,
            }));
        }
        match &self.pinned {
            Some(pinned)
                if pinned.size == self.frontier.size() && pinned.root != self.frontier.root() =>
            {
                Err(Wrong::Inconsistent { size: pinned.size })
            }
            _ => Ok(()),
        }
    }

    /// Checks the inclusion proof of the last entry.
    pub(super) fn prove(
        &self,
        entry: &EntryHash,
        proof: &[crate::tree::Hash],
    ) -> Result<(), Wrong> {
        let index = self.next.saturating_sub(1);
        let Checkpoint { size, root, .. } = &self.checkpoint;
        verify_inclusion(entry, index, *size, proof, root).map_err(Wrong::NotInTree)
    }

    /// Checks what only the end shows, and returns the checkpoint.
    pub(super) fn finish(self) -> Result<Checkpoint, Wrong> {
        if self.scope == Scope::Journal {
            if self.frontier.size() < self.checkpoint.size {
                return Err(Wrong::Missing(self.frontier.size()));
            }
            if self.frontier.root() != self.checkpoint.root {
                return Err(Wrong::WrongRoot);
            }
        }
        Ok(self.checkpoint)
    }

    /// Checks the pinned checkpoint as far as that can be done without the entries.
    fn check_pinned(&self, claims: &Claims) -> Result<(), Wrong> {
        let Some(Checkpoint { origin, size, root }) = &self.pinned else {
            return Ok(());
        };
        let Checkpoint {
            size: new_size,
            root: new_root,
            ..
        } = &self.checkpoint;
        let proof = match &claims.consistency {
            _ if *origin != self.checkpoint.origin || size > new_size => {
                return Err(Wrong::Inconsistent { size: *size });
            }
            _ if self.scope == Scope::Journal || *size == 0 => return Ok(()),
            _ if size == new_size => &[],
            Some(consistency) if consistency.size == *size => consistency.proof.as_slice(),
            _ => return Err(Wrong::NoConsistencyProof { size: *size }),
        };
        verify_consistency(*size, *new_size, proof, root, new_root)
            .map_err(|_| Wrong::Inconsistent { size: *size })
    }
}
