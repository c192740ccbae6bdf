//! A decision, read back.

use model::dossier::Approval;
use model::kind::Place;
use model::{Entry, EntryHash, Role, StreamName};
use serde::Serialize;

use super::EntryView;
use crate::decision::Grounds;
use crate::dossier;
use crate::error::{HistoryError, RecorderError};
use crate::history::History;
use crate::past;
use crate::recorder::Recorder;
use crate::replay::not_judged;

/// A decision, read back.
#[derive(Debug, Clone, Serialize)]
pub struct DecisionView {
    /// The entry.
    pub entry: EntryView,
    /// The approvals that it saw; of those that did not count, the reason.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
    /// On what it rests.
    pub grounds: Grounds,
    /// Why it is denied.
    pub reasons: Vec<String>,
    /// What exceptions did, a line for each that touched it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<String>,
}

impl Recorder {
    /// Reads a decision or a trial back.
    ///
    /// # Errors
    /// When there is none.
    pub async fn decision_view(&self, decision: &EntryHash) -> Result<DecisionView, RecorderError> {
        let unknown = || RecorderError::Unknown {
            what: "decision",
            name: decision.to_string(),
        };
        let stored = self.store.entry(decision).await?.ok_or_else(unknown)?;
        if !matches!(stored.entry.header().kind.as_str(), "decision" | "trial") {
            return Err(unknown());
        }
        let missing = HistoryError::PayloadMissing { entry: *decision };
        let payload = stored
            .entry
            .header()
            .payload(Role::Rule)
            .ok_or(missing)?
            .digest;
        let bytes = self
            .store
            .payloads(&[payload])
            .await?
            .into_iter()
            .next()
            .flatten();
        let bytes = bytes
            .ok_or(HistoryError::PayloadMissing { entry: *decision })?
            .bytes;
        let grounds: Grounds =
            serde_json::from_slice(&bytes).map_err(|source| HistoryError::Payload {
                entry: *decision,
                source,
            })?;
        Ok(DecisionView {
            approvals: self.approvals_seen(&stored.entry, &grounds).await?,
            entry: EntryView::new(&stored),
            reasons: grounds.reasons(),
            exceptions: grounds.exceptions(),
            grounds,
        })
    }

    /// Judges the approvals again that a decision or a trial saw: by as much of each stream as it says.
    async fn approvals_seen(
        &self,
        decision: &Entry,
        grounds: &Grounds,
    ) -> Result<Vec<Approval>, RecorderError> {
        let Some(asked) = past::read(decision)? else {
            return Ok(Vec::new());
        };
        let places: Vec<Place> = grounds
            .position
            .iter()
            .filter(|place| place.stream != StreamName::admin())
            .cloned()
            .collect();
        let streams: Vec<StreamName> = places.iter().map(|place| place.stream.clone()).collect();
        let mut history = History::default();
        self.load_into(&mut history, streams).await?;
        for Place { entries, stream } in places {
            let kept = usize::try_from(entries);
            if !kept.is_ok_and(|entries| history.keep_first(&stream, entries)) {
                return Err(HistoryError::StreamMissing { stream, entries }.into());
            }
        }
        Ok(dossier::approvals(&history, &asked.question).map_err(not_judged)?)
    }
}
