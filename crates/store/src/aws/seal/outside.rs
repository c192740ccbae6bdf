//! The checkpoint outside, held against the seals: each was written there after its seal, so it is one of them.

use journal::note::{Checkpoint, Note};

use super::super::layout::Seal;
use super::super::records::Records;
use crate::{ReadError, ReadOnlyReason};

/// How the checkpoint outside and the seals stand to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::aws) enum Outside {
    /// It is the newest seal's.
    Published,
    /// It is an older one's: the newest seal is still to be published.
    Unpublished,
    /// There is none.
    Missing,
    /// It is none of theirs.
    Contradicted(ReadOnlyReason),
}

/// Compares the checkpoint outside with the seals.
///
/// `newest` must have been read after it: a seal comes first, so then it cannot be newer.
pub(in crate::aws) async fn judge(
    records: &Records,
    newest: Option<&Seal>,
    note: &str,
) -> Result<Outside, ReadError> {
    if note.is_empty() {
        return Ok(Outside::Missing);
    }
    if let Some(newest) = newest {
        if newest.checkpoint == note {
            return Ok(Outside::Published);
        }
        if newest.over.as_deref() == Some(note) {
            return Ok(Outside::Unpublished);
        }
    }
    let Some((signed, said)) = parse(note).filter(|(_, said)| said.origin == *records.journal())
    else {
        return Ok(Outside::Contradicted(ReadOnlyReason::OutsideUnreadable));
    };
    let Some(newest) = newest else {
        return Ok(Outside::Contradicted(ReadOnlyReason::Behind {
            stored: 0,
            outside: said.size,
        }));
    };
    let then = match newest.number.checked_sub(1) {
        // Mostly it is the seal before the newest, which is just being published.
        Some(before) => records
            .seal(before)
            .await?
            .filter(|seal| seal.checkpoint == note),
        None => None,
    };
    let then = match then {
        Some(then) => Some(then),
        None => records.seal_before(said.size).await?,
    };
    let key = then.as_ref().map_or(&newest.key, |seal| &seal.key);
    if signed.open(key).is_err() && signed.open(&newest.key).is_err() {
        return Ok(Outside::Contradicted(ReadOnlyReason::OutsideUnreadable));
    }
    if said.size > newest.size() {
        return Ok(Outside::Contradicted(ReadOnlyReason::Behind {
            stored: newest.size(),
            outside: said.size,
        }));
    }
    let of_seal = |seal: &Seal| seal.size() == said.size && seal.frontier.root() == said.root;
    Ok(match then {
        _ if of_seal(newest) => Outside::Published,
        Some(then) if of_seal(&then) => Outside::Unpublished,
        _ => Outside::Contradicted(ReadOnlyReason::Forked { outside: said.size }),
    })
}

fn parse(note: &str) -> Option<(Note, Checkpoint)> {
    let note: Note = note.parse().ok()?;
    let checkpoint = note.unverified_text().parse().ok()?;
    Some((note, checkpoint))
}
