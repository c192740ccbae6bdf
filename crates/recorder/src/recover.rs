//! Recovery: what an admin does when the store is not what it was.

use journal::kind::{ClockCorrected, Recovered};
use journal::note::{Checkpoint, Note};
use model::Role;
use model::kind::AccessRole;
use store::{Appended, ReadOnlyReason};

use crate::caller::Caller;
use crate::error::RecorderError;
use crate::recorder::{Recorder, check_text};

impl Recorder {
    /// Makes a store writable again, with a `recovered` entry that names what was lost.
    ///
    /// # Errors
    /// When the caller is no admin, or there is nothing to recover from.
    pub async fn recover(
        &self,
        caller: &Caller,
        reason: String,
    ) -> Result<Appended, RecorderError> {
        caller.require(&[AccessRole::Admin])?;
        check_text("reason", &reason)?;
        let status = self.store.status().await?;
        let note = self.store.checkpoint().await?;
        let checkpoint = note
            .parse::<Note>()
            .and_then(|note| note.unverified_text().parse::<Checkpoint>());
        let checkpoint =
            checkpoint.map_err(|_| store::ReadError::Corrupt("its checkpoint is none"))?;
        let (lost_from, lost_to) = match status.read_only {
            Some(ReadOnlyReason::Behind { stored, outside }) => (stored, outside),
            _ => (status.size, status.size),
        };
        let fields = Recovered {
            expected_root: checkpoint.root,
            lost_from,
            lost_to,
            reason,
        };
        let draft = self.admin_draft(caller.by(), &fields)?;
        let appended = self.store.recover(draft).await?;
        self.refresh().await?;
        Ok(appended)
    }

    /// Lets time go back, after a clock that was ahead has been set right: entries that it stamped stay as they are.
    ///
    /// # Errors
    /// When the caller is no admin.
    pub async fn correct_clock(
        &self,
        caller: &Caller,
        reason: String,
    ) -> Result<Appended, RecorderError> {
        caller.require(&[AccessRole::Admin])?;
        check_text("reason", &reason)?;
        let last = self.store.status().await?.size.saturating_sub(1);
        let newest = self.store.entries(last, 1).await?;
        let from_ms = newest
            .first()
            .map_or(0, |stored| stored.entry.header().recorded_ms);
        let fields = ClockCorrected {
            from_ms,
            to_ms: self.now_ms(),
        };
        let comment = serde_json::json!({ "comment": reason });
        self.define(|_| {
            let mut draft = self.admin_draft(caller.by(), &fields)?;
            draft
                .payloads
                .push(self.json_payload(Role::People, "comment.v1", &comment)?);
            Ok(draft)
        })
        .await
    }
}
