//! Looking up: pure functions of what is recorded, as they are answered.

mod artifact;
mod decision;
mod environment;
mod key;
mod search;
mod trail;

use model::{By, EntryHash, Name, PayloadRef};
use serde::Serialize;
use serde_json::value::RawValue;
use store::Stored;

pub use artifact::{ArtifactView, RecordedIn};
pub use decision::DecisionView;
pub use environment::{
    EnvironmentDiff, EnvironmentFinding, EnvironmentView, FindingKind, RunningView,
};
pub use key::KeyView;
pub use search::{Found, FoundCommit};
pub use trail::{TrailArtifact, TrailState, TrailSummary, TrailView};

use crate::error::RecorderError;
use crate::recorder::Recorder;
use crate::timestamp;

/// Answers in one list, at most.
pub const LIST_MAX: usize = 1_000;

/// An entry, as it is shown.
#[derive(Debug, Clone, Serialize)]
pub struct EntryView {
    /// Who recorded it.
    pub by: By,
    /// When it claims to have happened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claimed: Option<String>,
    /// Its hash.
    pub entry: EntryHash,
    /// Its kind's fields.
    pub fields: Box<RawValue>,
    /// Its place in the log; absent while it is not sealed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
    /// What sort of event it is.
    pub kind: Name,
    /// What it says of its payloads.
    pub payloads: Vec<PayloadRef>,
    /// When it was recorded, RFC 3339.
    pub recorded: String,
}

impl EntryView {
    /// Shows an entry.
    #[must_use]
    pub fn new(stored: &Stored) -> Self {
        Self::of(stored.index, &stored.entry)
    }

    fn of(index: Option<u64>, entry: &model::Entry) -> Self {
        let header = entry.header();
        Self {
            by: header.by.clone(),
            claimed: header.claimed_ms.map(timestamp::format),
            entry: entry.hash(),
            fields: header.fields.clone(),
            index,
            kind: header.kind.clone(),
            payloads: header.payloads.clone(),
            recorded: timestamp::format(header.recorded_ms),
        }
    }
}

impl Recorder {
    /// Gives entries their places in the log, where a store told them without.
    pub(crate) async fn placed(
        &self,
        mut views: Vec<EntryView>,
    ) -> Result<Vec<EntryView>, RecorderError> {
        let (mut unplaced, mut hashes) = (Vec::new(), Vec::new());
        for view in views.iter_mut().filter(|view| view.index.is_none()) {
            hashes.push(view.entry);
            unplaced.push(view);
        }
        if !hashes.is_empty() {
            let positions = self.store.positions(&hashes).await?;
            for (view, index) in unplaced.into_iter().zip(positions) {
                view.index = index;
            }
        }
        Ok(views)
    }

    /// Returns an entry, by hash.
    ///
    /// # Errors
    /// When there is none.
    pub async fn entry_view(&self, entry: &EntryHash) -> Result<EntryView, RecorderError> {
        let found = self.store.entry(entry).await?;
        found
            .map(|stored| EntryView::new(&stored))
            .ok_or_else(|| RecorderError::Unknown {
                what: "entry",
                name: entry.to_string(),
            })
    }
}
