//! Sealing: a group's entries go into the tree, and one signed checkpoint proves them all.

use journal::Receipt;
use journal::key::LogKey;
use journal::note::Checkpoint;
use journal::receipt::Proved;
use journal::tree::{Frontier, Group, Nodes, inclusion_proof};
use model::{EntryHash, JournalId};

use crate::AppendError;

/// A group of entries, and the checkpoint of the log that ends with them.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) group: Group,
    pub(crate) checkpoint: String,
}

impl Sealed {
    /// Appends entries to the tree and signs its new root.
    pub(crate) fn seal(
        journal: &JournalId,
        key: &LogKey,
        frontier: &mut Frontier,
        entries: &[EntryHash],
    ) -> Result<Self, AppendError> {
        let group = frontier.append_group(entries);
        let checkpoint = Checkpoint::of(journal, frontier)
            .sign(key)
            .map_err(|error| AppendError::Unavailable(error.into()))?;
        Ok(Self { group, checkpoint })
    }

    /// Makes the receipt of one of the entries.
    pub(crate) fn receipt(&self, index: u64, entry: EntryHash) -> Option<Receipt> {
        let size = self.group.size();
        receipt(&self.group, index, entry, size, &self.checkpoint)
    }
}

/// Makes the receipt of an entry in the log of `size` entries; `None` where a node is missing.
pub(crate) fn receipt(
    nodes: &impl Nodes,
    index: u64,
    entry: EntryHash,
    size: u64,
    checkpoint: &str,
) -> Option<Receipt> {
    let proof = inclusion_proof(nodes, index, size).ok()?;
    Some(Receipt::Proved(Proved {
        checkpoint: checkpoint.to_owned(),
        entry,
        index,
        proof,
    }))
}
