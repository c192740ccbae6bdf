//! Which key signs which checkpoint: the newest of those that the log names among the entries that it covers.

use journal::kind::{Genesis, KeyRotated, Purpose, read};
use journal::note::Vkey;
use model::{Entry, JournalId};

use super::SealError;
use crate::ReadError;

/// Returns how many entries, from the first on, a checkpoint that `signer` signs can add to the log.
///
/// `current` is the key of the newest checkpoint, or none before the first.
pub(super) fn signable(
    journal: &JournalId,
    current: Option<&Vkey>,
    entries: &[Entry],
    signer: &Vkey,
) -> Result<usize, SealError> {
    let mut key = current.cloned();
    let mut count = 0;
    for (place, entry) in entries.iter().enumerate() {
        match follow(journal, key.as_ref(), entry) {
            Ok(Some(next)) => key = Some(next),
            Ok(None) => {}
            // What comes before it can be sealed.
            Err(_) if count > 0 => return Ok(count),
            Err(error) => return Err(error),
        }
        if key.as_ref() == Some(signer) {
            count = place + 1;
        }
    }
    match key {
        Some(key) if count == 0 && key != *signer => Err(other_key(key, signer)),
        _ => Ok(count),
    }
}

/// Returns the log's key after an entry, where it is another.
fn follow(
    journal: &JournalId,
    key: Option<&Vkey>,
    entry: &Entry,
) -> Result<Option<Vkey>, SealError> {
    let header = entry.header();
    let bad = |_| ReadError::Corrupt("an entry about the log's key cannot be read");
    let Some(key) = key else {
        let genesis = read::<Genesis>(header).map_err(bad)?;
        let genesis = genesis.ok_or(ReadError::Corrupt("the first entry is no genesis"))?;
        return Ok(Some(genesis.log_key));
    };
    match read::<KeyRotated>(header).map_err(bad)? {
        Some(rotated) if rotated.purpose == Purpose::Log => {
            if rotated.is_vouched(journal, key.public()) {
                Ok(Some(Vkey::new(journal, rotated.key)))
            } else {
                Err(SealError::NotVouched {
                    entry: entry.hash(),
                })
            }
        }
        _ => Ok(None),
    }
}

/// Says whether an entry makes a key the log's.
pub(super) fn names(entry: &Entry, signer: &Vkey) -> bool {
    let header = entry.header();
    let rotated = read::<KeyRotated>(header).ok().flatten();
    genesis_key(entry).is_some_and(|key| key == *signer)
        || rotated.is_some_and(|rotated| {
            rotated.purpose == Purpose::Log && rotated.key == *signer.public()
        })
}

/// Returns the key that genesis names.
pub(super) fn genesis_key(entry: &Entry) -> Option<Vkey> {
    Some(read::<Genesis>(entry.header()).ok()??.log_key)
}

pub(super) fn other_key(expected: Vkey, found: &Vkey) -> SealError {
    SealError::OtherKey {
        expected: Box::new(expected),
        found: Box::new(found.clone()),
    }
}
