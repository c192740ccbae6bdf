//! Environments: what runs now or ran at a time, and how it got there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::kind::{SightingChange, Verdict};
use model::limits::INTEGER_MAX;
use model::{Body, EntryHash, Fingerprint, Name, StreamName};
use serde::{Deserialize, Serialize};

use super::artifact::recorded_in;
use super::{EntryView, LIST_MAX, RecordedIn};
use crate::environment::{Observed, Running, changes};
use crate::error::RecorderError;
use crate::history::Loaded;
use crate::recorder::Recorder;
use crate::timestamp;

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

impl Recorder {
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
        let until = |loaded: &&Arc<Loaded>| loaded.entry.header().recorded_ms <= at_ms;
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
        self.placed(found).await
    }
}
