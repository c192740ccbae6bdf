//! Looking up: pure functions of what is recorded, as they are answered.

use std::collections::{BTreeMap, BTreeSet};

use model::dossier::{Outcome, Requirement, SubjectKind};
use model::kind::{ArtifactRecorded, SightingChange, Verdict};
use model::limits::INTEGER_MAX;
use model::{
    Body, By, CommitId, Dossier, EntryHash, Fingerprint, KeyId, Name, PayloadRef, Role, StreamName,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use store::{Direction, Stored};

use crate::decision::Grounds;
use crate::dossier::{self, NoDossier};
use crate::environment::{Observed, Running, changes};
use crate::error::{HistoryError, RecorderError};
use crate::history::Loaded;
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
    /// Its place in the log.
    pub index: u64,
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

    fn of(index: u64, entry: &model::Entry) -> Self {
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

/// What runs in an environment at a time.
#[derive(Debug, Clone, Serialize)]
pub struct EnvironmentView {
    /// The time asked for, RFC 3339.
    pub at: String,
    /// The environment.
    pub environment: Name,
    /// What does not fit together.
    pub findings: Vec<EnvironmentFinding>,
    /// What runs.
    pub running: Vec<RunningView>,
    /// The snapshot that says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<EntryHash>,
    /// When it was taken, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken: Option<String>,
}

/// An artifact that runs, and how it got there.
#[derive(Debug, Clone, Serialize)]
pub struct RunningView {
    /// The newest decision on it for this environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<EntryHash>,
    /// What that decision said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// The newest report that it was deployed here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<EntryHash>,
    /// Its identity.
    pub fingerprint: Fingerprint,
    /// How many instances run.
    pub instances: u32,
    /// What it is called there.
    pub name: String,
    /// Where it was recorded.
    pub recorded_in: Vec<RecordedIn>,
}

/// Something about an environment that does not fit together.
#[derive(Debug, Clone, Serialize)]
pub struct EnvironmentFinding {
    /// The artifact.
    pub fingerprint: Fingerprint,
    /// What is wrong with it.
    pub finding: FindingKind,
}

/// What is wrong with an artifact in an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingKind {
    /// It runs and nobody recorded it.
    NeverRecorded,
    /// It runs and no decision allowed it here.
    NeverAllowed,
    /// It runs and nobody reported that it was deployed.
    NotReported,
    /// It was reported, and is not seen.
    NotSeen,
}

/// What changed between two snapshots.
#[derive(Debug, Clone, Serialize)]
pub struct EnvironmentDiff {
    /// The earlier snapshot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<EntryHash>,
    /// What runs then and not before.
    pub started: Vec<Fingerprint>,
    /// What ran before and not then.
    pub stopped: Vec<Fingerprint>,
    /// The later snapshot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<EntryHash>,
}

/// What a search found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Found {
    /// Artifacts by fingerprint.
    pub artifacts: Vec<Fingerprint>,
    /// Commits, with what is recorded about them.
    pub commits: Vec<FoundCommit>,
}

/// A commit that a search found.
#[derive(Debug, Clone, Serialize)]
pub struct FoundCommit {
    /// The artifacts built from it.
    pub artifacts: Vec<Fingerprint>,
    /// The commit.
    pub commit: String,
    /// The trails about it.
    pub trails: Vec<TrailSummary>,
}

/// A decision, read back.
#[derive(Debug, Clone, Serialize)]
pub struct DecisionView {
    /// The entry.
    pub entry: EntryView,
    /// On what it rests.
    pub grounds: Grounds,
    /// Why it is denied.
    pub reasons: Vec<String>,
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
        Ok(TrailView {
            artifacts,
            commit,
            begun: timestamp::format(first.entry.header().recorded_ms),
            entries: entries
                .iter()
                .map(|loaded| EntryView::of(loaded.index, &loaded.entry))
                .collect(),
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
        let view = |loaded: &Loaded| EntryView::of(loaded.index, &loaded.entry);
        Ok(ArtifactView {
            entries: entries.iter().map(view).collect(),
            fingerprint: *fingerprint,
            recorded_in: recorded_in(&entries, u64::MAX),
            running: running.iter().map(view).collect(),
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
        let question = self.question(fingerprint, flow, trail, environment).await?;
        let mut history = self.first_streams(&question).await?;
        loop {
            match dossier::build(&self.definitions(), &history, &question) {
                Ok(dossier) => return Ok(dossier),
                Err(NoDossier::Missing(stream)) => {
                    let entries = self.load(&stream).await?;
                    history.insert(stream, entries);
                }
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
            entry: EntryView::new(&stored),
            reasons: grounds.reasons(),
            grounds,
        })
    }

    /// Shows what ran in an environment at a time, and how it got there.
    ///
    /// # Errors
    /// When the environment is not known.
    pub async fn environment_view(
        &self,
        environment: &Name,
        at_ms: u64,
    ) -> Result<EnvironmentView, RecorderError> {
        let observed = self.observed_at(environment, at_ms).await?;
        let mut running = Vec::new();
        let mut findings = Vec::new();
        for artifact in observed
            .as_ref()
            .map_or(&[][..], |observed| &observed.artifacts)
        {
            let view = self.running_view(environment, artifact, at_ms).await?;
            let mut add = |finding| {
                findings.push(EnvironmentFinding {
                    fingerprint: artifact.fingerprint,
                    finding,
                })
            };
            if view.recorded_in.is_empty() {
                add(FindingKind::NeverRecorded);
            } else if view.verdict != Some(Verdict::Allowed) {
                add(FindingKind::NeverAllowed);
            }
            if view.deployment.is_none() {
                add(FindingKind::NotReported);
            }
            running.push(view);
        }
        if let Some(observed) = &observed {
            for fingerprint in self.reported_not_seen(environment, observed).await? {
                findings.push(EnvironmentFinding {
                    fingerprint,
                    finding: FindingKind::NotSeen,
                });
            }
        }
        Ok(EnvironmentView {
            at: timestamp::format(at_ms),
            environment: environment.clone(),
            findings,
            running,
            snapshot: observed.as_ref().map(|observed| observed.newest),
            taken: observed
                .as_ref()
                .map(|observed| timestamp::format(observed.taken_ms)),
        })
    }

    async fn observed_at(
        &self,
        environment: &Name,
        at_ms: u64,
    ) -> Result<Option<Observed>, RecorderError> {
        if self.definitions().environment(environment).is_none() {
            return Err(RecorderError::Unknown {
                what: "environment",
                name: environment.to_string(),
            });
        }
        let stream = StreamName::environment(environment);
        match self.store.as_of(&stream, at_ms).await? {
            Some(seq) => self.observed(&stream, seq).await,
            None => Ok(None),
        }
    }

    async fn running_view(
        &self,
        environment: &Name,
        artifact: &Running,
        at_ms: u64,
    ) -> Result<RunningView, RecorderError> {
        let entries = self
            .load(&StreamName::artifact(&artifact.fingerprint))
            .await?;
        let seen = self
            .load(&StreamName::running(&artifact.fingerprint))
            .await?;
        let until = |loaded: &&Loaded| loaded.entry.header().recorded_ms <= at_ms;
        let decision = entries
            .iter()
            .filter(until)
            .rev()
            .find_map(|loaded| match &loaded.body {
                Body::Decided(decided) if decided.environment == *environment => {
                    Some((loaded.entry.hash(), decided.verdict))
                }
                _ => None,
            });
        let deployment = seen
            .iter()
            .filter(until)
            .rev()
            .find_map(|loaded| match &loaded.body {
                Body::DeploymentReported(reported) if reported.environment == *environment => {
                    Some(loaded.entry.hash())
                }
                _ => None,
            });
        Ok(RunningView {
            decision: decision.map(|(entry, _)| entry),
            verdict: decision.map(|(_, verdict)| verdict),
            deployment,
            fingerprint: artifact.fingerprint,
            instances: artifact.instances,
            name: artifact.name.clone(),
            recorded_in: recorded_in(&entries, at_ms),
        })
    }

    /// Finds what each flow reported last before a snapshot, and the snapshot does not show.
    async fn reported_not_seen(
        &self,
        environment: &Name,
        observed: &Observed,
    ) -> Result<BTreeSet<Fingerprint>, RecorderError> {
        let mut newest = BTreeMap::<Name, Fingerprint>::new();
        self.look_back(
            &StreamName::environment(environment),
            observed.seq,
            |_, body| {
                if let Body::DeploymentReported(reported) = body {
                    newest.entry(reported.flow).or_insert(reported.fingerprint);
                }
                true
            },
        )
        .await?;
        let seen: BTreeSet<_> = observed
            .artifacts
            .iter()
            .map(|running| running.fingerprint)
            .collect();
        Ok(newest
            .into_values()
            .filter(|fingerprint| !seen.contains(fingerprint))
            .collect())
    }

    /// Says what started and stopped between two times.
    ///
    /// # Errors
    /// When the environment is not known.
    pub async fn environment_diff(
        &self,
        environment: &Name,
        from_ms: u64,
        to_ms: u64,
    ) -> Result<EnvironmentDiff, RecorderError> {
        let from = self.observed_at(environment, from_ms).await?;
        let to = self.observed_at(environment, to_ms).await?;
        let list = |observed: &Option<Observed>| {
            observed
                .as_ref()
                .map(|observed| observed.artifacts.clone())
                .unwrap_or_default()
        };
        let (mut started, mut stopped) = (Vec::new(), Vec::new());
        for (change, fingerprint) in changes(&list(&from), &list(&to)) {
            match change {
                SightingChange::Started => started.push(fingerprint),
                SightingChange::Stopped => stopped.push(fingerprint),
            }
        }
        Ok(EnvironmentDiff {
            from: from.map(|found| found.newest),
            started,
            stopped,
            to: to.map(|found| found.newest),
        })
    }

    /// Lists an environment's last deployments, newest first.
    ///
    /// # Errors
    /// When the environment is not known.
    pub async fn deployments(
        &self,
        environment: &Name,
        limit: usize,
    ) -> Result<Vec<EntryView>, RecorderError> {
        if self.definitions().environment(environment).is_none() {
            return Err(RecorderError::Unknown {
                what: "environment",
                name: environment.to_string(),
            });
        }
        let limit = limit.min(LIST_MAX);
        let mut found = Vec::new();
        self.look_back(
            &StreamName::environment(environment),
            INTEGER_MAX,
            |stored, body| {
                if matches!(body, Body::DeploymentReported(_)) && found.len() < limit {
                    found.push(EntryView::new(&stored));
                }
                found.len() < limit
            },
        )
        .await?;
        Ok(found)
    }

    /// Searches commits and artifacts by the beginning of their hexadecimal names.
    ///
    /// # Errors
    /// When the prefix is not at least four hexadecimal digits.
    pub async fn search(&self, prefix: &str, limit: usize) -> Result<Found, RecorderError> {
        let hexadecimal = prefix
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
        if prefix.len() < 4 || !hexadecimal {
            return Err(RecorderError::Invalid(
                "search for 4 or more lower-case hexadecimal digits".to_owned(),
            ));
        }
        let limit = limit.min(LIST_MAX);
        let mut found = Found {
            artifacts: self.artifacts(prefix, None, limit).await?,
            commits: Vec::new(),
        };
        let commits = self
            .store
            .streams(&format!("commit/{prefix}"), None, limit)
            .await?;
        for (stream, _) in commits {
            let mut commit = FoundCommit {
                artifacts: Vec::new(),
                commit: stream.as_str().trim_start_matches("commit/").to_owned(),
                trails: Vec::new(),
            };
            for stored in self
                .store
                .range(&stream, 0, LIST_MAX, Direction::Forward)
                .await?
            {
                commit.trails.extend(trail_summary(&stored));
                if let Ok(Body::ArtifactRecorded(recorded)) = Body::parse(stored.entry.header())
                    && !commit.artifacts.contains(&recorded.fingerprint)
                {
                    commit.artifacts.push(recorded.fingerprint);
                }
            }
            found.commits.push(commit);
        }
        Ok(found)
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

    /// Lists keys, without anything secret.
    #[must_use]
    pub fn key_list(&self) -> Vec<KeyView> {
        let definitions = self.definitions();
        let mut keys: Vec<KeyView> = definitions
            .keys()
            .map(|key| KeyView {
                expires: key.added.expires_ms.map(timestamp::format),
                grants: serde_json::to_value(&key.added.grants).unwrap_or_default(),
                key: key.added.key.clone(),
                name: key.added.name.clone(),
                revoked: key.revoked,
                roles: key.added.roles.clone(),
            })
            .collect();
        keys.sort_by(|left, right| left.key.cmp(&right.key));
        keys
    }
}

/// A key in a list.
#[derive(Debug, Clone, Serialize)]
pub struct KeyView {
    /// When it ends, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
    /// For which flows and kinds it may record.
    pub grants: Value,
    /// Its id.
    pub key: KeyId,
    /// What it is called.
    pub name: Name,
    /// Whether it was revoked.
    pub revoked: bool,
    /// What it may do.
    pub roles: Vec<model::kind::AccessRole>,
}

fn trail_summary(stored: &Stored) -> Option<TrailSummary> {
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

fn recorded_in(entries: &[Loaded], at_ms: u64) -> Vec<RecordedIn> {
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

/// Compares a trail with its template. For each required attestation the newest counts.
fn trail_state(
    entries: &[Loaded],
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
