//! Trails, and how they stand against their flow's template.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::dossier::{Outcome, Requirement, SubjectKind};
use model::limits::INTEGER_MAX;
use model::{Body, CommitId, Fingerprint, Name, StreamName};
use serde::{Deserialize, Serialize};
use store::{Direction, Stored};

use super::{EntryView, LIST_MAX};
use crate::error::RecorderError;
use crate::history::Loaded;
use crate::recorder::Recorder;
use crate::timestamp;

/// A trail's state against its flow's template. It allows nothing.
#[derive(Debug, Clone, Serialize)]
pub struct TrailView {
    /// The artifacts recorded on it.
    pub artifacts: Vec<TrailArtifact>,
    /// The commit it began with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitId>,
    /// When it began, RFC 3339.
    pub begun: String,
    /// Its entries, oldest first.
    pub entries: Vec<EntryView>,
    /// Its flow.
    pub flow: Name,
    /// What the template requires and is not there.
    pub missing: Vec<Requirement>,
    /// The state.
    pub state: TrailState,
    /// The trail.
    pub trail: Name,
}

/// An artifact of a trail.
#[derive(Debug, Clone, Serialize)]
pub struct TrailArtifact {
    /// Its identity.
    pub fingerprint: Fingerprint,
    /// What of the template it still lacks.
    pub missing: Vec<Requirement>,
    /// What it is called.
    pub name: String,
}

/// The state of a trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrailState {
    /// Everything required is there, and the newest of each passed.
    Compliant,
    /// Something required is missing.
    Incomplete,
    /// Something failed.
    NonCompliant,
}

/// A trail in a list.
#[derive(Debug, Clone, Serialize)]
pub struct TrailSummary {
    /// When it began, RFC 3339.
    pub begun: String,
    /// The commit it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitId>,
    /// Its flow.
    pub flow: Name,
    /// The trail.
    pub trail: Name,
}

impl Recorder {
    /// Shows a trail and its state.
    ///
    /// # Errors
    /// When it does not exist.
    pub async fn trail_view(&self, flow: &Name, trail: &Name) -> Result<TrailView, RecorderError> {
        let stream = StreamName::trail(flow, trail);
        let entries = self.load(&stream).await?;
        let first = entries.first().ok_or_else(|| RecorderError::Unknown {
            what: "trail",
            name: format!("{flow}/{trail}"),
        })?;
        let definitions = self.definitions();
        let required = definitions
            .flow(flow)
            .map(|flow| flow.required.clone())
            .unwrap_or_default();
        let (state, missing, artifacts) = trail_state(&entries, &required);
        let commit = entries.iter().find_map(|loaded| match &loaded.body {
            Body::TrailBegun(begun) => begun.commit.clone(),
            _ => None,
        });
        let shown = entries
            .iter()
            .map(|loaded| EntryView::of(loaded.index, &loaded.entry));
        Ok(TrailView {
            artifacts,
            commit,
            begun: timestamp::format(first.entry.header().recorded_ms),
            entries: self.placed(shown.collect()).await?,
            flow: flow.clone(),
            missing,
            state,
            trail: trail.clone(),
        })
    }

    /// Lists a flow's trails, newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub async fn trails(
        &self,
        flow: &Name,
        limit: usize,
    ) -> Result<Vec<TrailSummary>, RecorderError> {
        if self.definitions().flow(flow).is_none() {
            return Err(RecorderError::Unknown {
                what: "flow",
                name: flow.to_string(),
            });
        }
        let page = self
            .store
            .range(
                &StreamName::trails(flow),
                INTEGER_MAX,
                limit.min(LIST_MAX),
                Direction::Backward,
            )
            .await?;
        Ok(page.iter().filter_map(trail_summary).collect())
    }
}

pub(super) fn trail_summary(stored: &Stored) -> Option<TrailSummary> {
    let header = stored.entry.header();
    match Body::parse(header) {
        Ok(Body::TrailBegun(begun)) => Some(TrailSummary {
            begun: timestamp::format(header.recorded_ms),
            commit: begun.commit,
            flow: begun.flow,
            trail: begun.trail,
        }),
        _ => None,
    }
}

/// Compares a trail with its template. For each required attestation the newest counts.
fn trail_state(
    entries: &[Arc<Loaded>],
    required: &[Requirement],
) -> (TrailState, Vec<Requirement>, Vec<TrailArtifact>) {
    let mut newest = BTreeMap::<(Option<Fingerprint>, &Name, &Name), Outcome>::new();
    let mut artifacts = Vec::<TrailArtifact>::new();
    for loaded in entries {
        match &loaded.body {
            Body::Attested(attested) => {
                newest.insert(
                    (
                        attested.fingerprint,
                        &attested.attestation_type,
                        &attested.name,
                    ),
                    attested.outcome,
                );
            }
            Body::ArtifactRecorded(recorded)
                if !artifacts
                    .iter()
                    .any(|known| known.fingerprint == recorded.fingerprint) =>
            {
                artifacts.push(TrailArtifact {
                    fingerprint: recorded.fingerprint,
                    missing: Vec::new(),
                    name: recorded.name.clone(),
                });
            }
            _ => {}
        }
    }
    let lacks = |about: Option<Fingerprint>, requirement: &&Requirement| {
        !newest.contains_key(&(about, &requirement.attestation_type, &requirement.name))
    };
    for artifact in &mut artifacts {
        let about = Some(artifact.fingerprint);
        let of_artifact = required
            .iter()
            .filter(|requirement| requirement.subject == SubjectKind::Artifact);
        artifact.missing = of_artifact
            .filter(|requirement| lacks(about, requirement))
            .cloned()
            .collect();
    }
    let of_trail = required
        .iter()
        .filter(|requirement| requirement.subject == SubjectKind::Trail);
    let mut missing: Vec<Requirement> = of_trail
        .filter(|requirement| lacks(None, requirement))
        .cloned()
        .collect();
    if artifacts.is_empty() {
        missing.extend(
            required
                .iter()
                .filter(|requirement| requirement.subject == SubjectKind::Artifact)
                .cloned(),
        );
    }
    let state = if newest.values().any(|outcome| *outcome == Outcome::Failed) {
        TrailState::NonCompliant
    } else if missing.is_empty() && artifacts.iter().all(|artifact| artifact.missing.is_empty()) {
        TrailState::Compliant
    } else {
        TrailState::Incomplete
    };
    (state, missing, artifacts)
}
