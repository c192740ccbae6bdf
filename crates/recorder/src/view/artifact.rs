//! Artifacts, and what is recorded about them.

use std::sync::Arc;

use model::kind::ArtifactRecorded;
use model::{Body, CommitId, Dossier, Fingerprint, Name, StreamName};
use serde::Serialize;

use super::{EntryView, LIST_MAX};
use crate::dossier::{self, NoDossier};
use crate::error::RecorderError;
use crate::history::Loaded;
use crate::recorder::Recorder;

/// An artifact with everything recorded about it.
#[derive(Debug, Clone, Serialize)]
pub struct ArtifactView {
    /// Its entries, oldest first.
    pub entries: Vec<EntryView>,
    /// Its identity.
    pub fingerprint: Fingerprint,
    /// Where it was recorded.
    pub recorded_in: Vec<RecordedIn>,
    /// Where it was seen or reported.
    pub running: Vec<EntryView>,
}

/// A place where an artifact was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordedIn {
    /// The commit it was built from.
    pub commit: CommitId,
    /// The flow.
    pub flow: Name,
    /// What it is called.
    pub name: String,
    /// The trail.
    pub trail: Name,
}

impl Recorder {
    /// Shows an artifact.
    ///
    /// # Errors
    /// When it was never recorded nor seen.
    pub async fn artifact_view(
        &self,
        fingerprint: &Fingerprint,
    ) -> Result<ArtifactView, RecorderError> {
        let entries = self.load(&StreamName::artifact(fingerprint)).await?;
        let running = self.load(&StreamName::running(fingerprint)).await?;
        if entries.is_empty() && running.is_empty() {
            return Err(RecorderError::Unknown {
                what: "artifact",
                name: fingerprint.to_string(),
            });
        }
        let view = |loaded: &Arc<Loaded>| EntryView::of(loaded.index, &loaded.entry);
        Ok(ArtifactView {
            entries: self.placed(entries.iter().map(view).collect()).await?,
            fingerprint: *fingerprint,
            recorded_in: recorded_in(&entries, u64::MAX),
            running: self.placed(running.iter().map(view).collect()).await?,
        })
    }

    /// Lists artifacts by fingerprint, from a prefix and after the last of the page before.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn artifacts(
        &self,
        prefix: &str,
        after: Option<&Fingerprint>,
        limit: usize,
    ) -> Result<Vec<Fingerprint>, RecorderError> {
        let after = after.map(StreamName::artifact);
        let prefix = format!("artifact/{prefix}");
        let streams = self
            .store
            .streams(&prefix, after.as_ref(), limit.min(LIST_MAX))
            .await?;
        Ok(streams
            .iter()
            .filter_map(|(stream, _)| stream.as_str().strip_prefix("artifact/")?.parse().ok())
            .collect())
    }

    /// Builds the dossier of an artifact for an environment, as a policy would see it now.
    ///
    /// # Errors
    /// When the artifact is not known, or there is more evidence than one decision weighs.
    pub async fn dossier(
        &self,
        fingerprint: Fingerprint,
        flow: Option<&Name>,
        trail: Option<&Name>,
        environment: Name,
    ) -> Result<Dossier, RecorderError> {
        let (question, mut history) = self.question(fingerprint, flow, trail, environment).await?;
        let definitions = self.in_force(question.now_ms)?;
        loop {
            match dossier::build(&definitions, &history, &question) {
                Ok(dossier) => return Ok(dossier),
                Err(NoDossier::Missing(stream)) => self.load_into(&mut history, [stream]).await?,
                Err(NoDossier::History(error)) => return Err(error.into()),
                Err(NoDossier::TooLarge(_)) => {
                    let stream = StreamName::artifact(&fingerprint);
                    return Err(RecorderError::StreamFull {
                        entries: history.entries(&stream),
                        stream,
                    });
                }
            }
        }
    }
}

pub(super) fn recorded_in(entries: &[Arc<Loaded>], at_ms: u64) -> Vec<RecordedIn> {
    let mut places = Vec::new();
    for loaded in entries
        .iter()
        .filter(|loaded| loaded.entry.header().recorded_ms <= at_ms)
    {
        if let Body::ArtifactRecorded(ArtifactRecorded {
            commit,
            flow,
            name,
            trail,
            ..
        }) = &loaded.body
        {
            let place = RecordedIn {
                commit: commit.clone(),
                flow: flow.clone(),
                name: name.clone(),
                trail: trail.clone(),
            };
            if !places.contains(&place) {
                places.push(place);
            }
        }
    }
    places
}
