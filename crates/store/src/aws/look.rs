//! Comparing the table with the checkpoint that is kept outside it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Dynamo;
use super::layout::Seal;
use super::log::Published;
use super::seal::{Outside, judge};
use crate::{OutsideCheckpoint, ReadError, ReadOnlyReason, Status};

/// What was found when the two were last compared.
#[derive(Debug)]
pub(super) struct Look {
    /// For how long it holds for those who append.
    every_ms: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When they were last found to agree.
    agreed_ms: Option<u64>,
    /// What the first look found.
    found: Option<OutsideCheckpoint>,
    /// Whether they agreed before under this store.
    agreed: bool,
    disagree: bool,
}

impl Look {
    pub(super) const fn new(every_ms: u64) -> Self {
        Self {
            every_ms,
            state: Mutex::new(State {
                agreed_ms: None,
                found: None,
                agreed: false,
                disagree: false,
            }),
        }
    }

    /// Says whether one who appends has to look anew.
    pub(super) fn is_due(&self, elapsed_ms: u64) -> bool {
        let agreed_ms = self.lock().agreed_ms;
        agreed_ms.is_none_or(|agreed_ms| elapsed_ms.abs_diff(agreed_ms) >= self.every_ms)
    }

    /// Says whether they were last found to disagree.
    pub(super) fn disagree(&self) -> bool {
        self.lock().disagree
    }

    /// Lets the next disagreement be judged as if it was there from the beginning.
    pub(super) fn begin_anew(&self) {
        self.lock().agreed = false;
    }

    /// Takes what a look found, and returns it as this store sees it.
    fn take(
        &self,
        judged: Result<OutsideCheckpoint, ReadOnlyReason>,
        elapsed_ms: u64,
    ) -> (OutsideCheckpoint, Option<ReadOnlyReason>) {
        let mut state = self.lock();
        let (found, reason) = match judged {
            Ok(found) => (found, None),
            // It was another before our eyes: who changed it writes too.
            Err(ReadOnlyReason::Forked { .. } | ReadOnlyReason::OutsideUnreadable)
                if state.agreed =>
            {
                (
                    OutsideCheckpoint::Contradicted,
                    Some(ReadOnlyReason::OutsideChanged),
                )
            }
            Err(reason) => (OutsideCheckpoint::Contradicted, Some(reason)),
        };
        state.disagree = reason.is_some();
        state.agreed |= reason.is_none();
        state.agreed_ms = reason.is_none().then_some(elapsed_ms);
        (*state.found.get_or_insert(found), reason)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Dynamo {
    /// Compares the newest seal with the checkpoint outside.
    pub(super) async fn look(&self) -> Result<Status, ReadError> {
        let (mut newest, outside) =
            tokio::try_join!(self.records.newest_seal(), self.log.outside())?;
        let note = outside.map(|object| object.bytes).unwrap_or_default();
        let note = String::from_utf8_lossy(&note);
        let mut found = judge(&self.records, newest.as_ref(), &note).await?;
        if matches!(found, Outside::Contradicted(_)) {
            // The seal may have been read before, and the checkpoint after, the same sealing.
            newest = self.records.newest_seal().await?;
            found = judge(&self.records, newest.as_ref(), &note).await?;
        }
        let judged = match found {
            Outside::Published | Outside::Unpublished => Ok(OutsideCheckpoint::Continued),
            Outside::Missing => Ok(OutsideCheckpoint::Missing),
            Outside::Contradicted(reason) => Err(reason),
        };
        let (outside, read_only) = self.look.take(judged, self.elapsed_ms());
        Ok(Status {
            size: newest.as_ref().map_or(0, Seal::size),
            read_only,
            outside,
        })
    }

    /// Returns the newest state of the log that can be read.
    pub(super) async fn published(&self) -> Result<Option<Published>, ReadError> {
        // A checkpoint that the table does not continue speaks of another log.
        let trusted = !self.look.disagree() || self.look().await?.read_only.is_none();
        let published = if trusted {
            self.log.published().await?
        } else {
            None
        };
        if published.is_some() {
            return Ok(published);
        }
        let seal = self.records.newest_seal().await?;
        Ok(seal.map(|seal| Published {
            size: seal.size(),
            root: seal.frontier.root(),
            note: seal.checkpoint,
        }))
    }
}
