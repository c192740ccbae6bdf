//! Environments: what was observed there, what was reported, and what that says at any time.

use std::collections::BTreeMap;

use journal::{Draft, Expectation};
use model::kind::{AccessRole, Fields as _, Sighted, SightingChange, SnapshotTaken};
use model::limits::{BATCH_ITEMS_MAX, INTEGER_MAX};
use model::{Body, EntryHash, Fingerprint, Name, Role, StreamName};
use serde::{Deserialize, Serialize};
use store::{AppendError, Appended, Direction, Stored};

use crate::caller::Caller;
use crate::error::{HistoryError, RecorderError};
use crate::event::idempotency;
use crate::recorder::{Recorder, check_text};

/// Artifacts in one snapshot.
pub const SNAPSHOT_ARTIFACTS_MAX: usize = 10_000;
/// Entries of an environment that a look-up goes back over.
const LOOK_BACK_MAX: u64 = 10_000;
const PAGE: usize = 200;
/// How often a snapshot is compared anew because another one came in between.
const ATTEMPTS_MAX: usize = 32;
const SCHEMA: &str = "snapshot.v1";

/// Reports what was observed in an environment.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TakeSnapshot {
    /// What runs there.
    pub artifacts: Vec<Running>,
    /// The environment.
    pub environment: Name,
}

/// An artifact that was observed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Running {
    /// SHA-256 of its bytes.
    pub fingerprint: Fingerprint,
    /// How many instances of it run.
    #[serde(default = "one")]
    pub instances: u32,
    /// What it is called there: a path, an image reference.
    pub name: String,
}

/// A snapshot as it was recorded.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The entry, with its receipt.
    pub appended: Appended,
    /// The snapshot that it equals.
    pub same_as: Option<EntryHash>,
    /// What started or stopped since the one before.
    pub sightings: Vec<(SightingChange, Fingerprint)>,
}

/// The facts of `snapshot.v1`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SnapshotFacts {
    artifacts: Vec<Running>,
}

/// A snapshot that holds a list, found in the journal.
#[derive(Debug, Clone)]
pub(crate) struct Observed {
    /// The entry that holds the list.
    pub(crate) entry: EntryHash,
    /// The newest entry that says so.
    pub(crate) newest: EntryHash,
    /// The seq of the entry that holds the list, or of the newest where that is another.
    pub(crate) seq: u64,
    /// When it was last observed.
    pub(crate) taken_ms: u64,
    pub(crate) artifacts: Vec<Running>,
}

const fn one() -> u32 {
    1
}

impl Recorder {
    /// Records a snapshot, and what started or stopped since the one before.
    ///
    /// The snapshot is one entry; the sightings follow in batches of their own. A crash in between leaves them to the
    /// next snapshot, which completes them: they are recognised by snapshot and fingerprint.
    ///
    /// # Errors
    /// When the environment is not known, or the list is not as it must be. An error after the snapshot itself was
    /// recorded says so by succeeding when it is sent again.
    pub async fn snapshot(
        &self,
        caller: &Caller,
        take: TakeSnapshot,
    ) -> Result<Snapshot, RecorderError> {
        let environment = take.environment.clone();
        let snapshot = self.snapshot_only(caller, take).await?;
        let entry = snapshot.appended.stored.entry.hash();
        self.record_sightings(caller, &environment, entry, &snapshot.sightings)
            .await?;
        Ok(snapshot)
    }

    /// Records the snapshot's own entry, after completing the sightings of the one before.
    ///
    /// # Errors
    /// As [`Recorder::snapshot`].
    #[doc(hidden)]
    pub async fn snapshot_only(
        &self,
        caller: &Caller,
        take: TakeSnapshot,
    ) -> Result<Snapshot, RecorderError> {
        caller.require(&[AccessRole::Snapshotter])?;
        self.require_environment(&take.environment).await?;
        let artifacts = tidy(take.artifacts)?;
        for _ in 0..ATTEMPTS_MAX {
            match self
                .try_snapshot(caller, &take.environment, &artifacts)
                .await
            {
                Err(RecorderError::Append(AppendError::Moved { .. })) => {}
                done => return done,
            }
        }
        Err(RecorderError::Moved)
    }

    /// Compares with the snapshot before, and records unless another one came in between.
    async fn try_snapshot(
        &self,
        caller: &Caller,
        environment: &Name,
        artifacts: &[Running],
    ) -> Result<Snapshot, RecorderError> {
        let stream = StreamName::environment(environment);
        let seq = self
            .store
            .head(&stream)
            .await?
            .map_or(0, |head| head.seq + 1);
        let before = self.observed(&stream, INTEGER_MAX).await?;
        if let Some(before) = &before {
            self.complete_sightings(caller, environment, before).await?;
        }
        let same = before
            .as_ref()
            .filter(|before| before.artifacts == artifacts);
        let same_as = same.map(|before| before.entry);
        let sightings = changes(
            before.as_ref().map_or(&[], |before| &before.artifacts),
            artifacts,
        );
        let fields = SnapshotTaken {
            artifacts: artifacts.len() as u64,
            environment: environment.clone(),
            same_as,
        };
        let mut draft = self.draft(caller.by().clone(), &fields, vec![stream.clone()])?;
        draft.expected.push(Expectation { stream, seq });
        if same_as.is_none() {
            let facts = SnapshotFacts {
                artifacts: artifacts.to_vec(),
            };
            draft
                .payloads
                .push(self.json_payload(Role::Facts, SCHEMA, &facts)?);
        }
        let appended = self.append_one(draft).await?;
        Ok(Snapshot {
            appended,
            same_as,
            sightings,
        })
    }

    /// Records the sightings of an earlier snapshot again; those that are there already stay as they are.
    async fn complete_sightings(
        &self,
        caller: &Caller,
        environment: &Name,
        of: &Observed,
    ) -> Result<(), RecorderError> {
        let stream = StreamName::environment(environment);
        let list = self.list_seq(&stream, of).await?;
        let before = match list.checked_sub(1) {
            Some(seq) => self.observed(&stream, seq).await?,
            None => None,
        };
        let changes = changes(
            before.as_ref().map_or(&[], |before| &before.artifacts),
            &of.artifacts,
        );
        self.record_sightings(caller, environment, of.entry, &changes)
            .await
    }

    /// Returns the seq of the entry that holds an observed list.
    async fn list_seq(&self, stream: &StreamName, of: &Observed) -> Result<u64, RecorderError> {
        if of.entry == of.newest {
            return Ok(of.seq);
        }
        let stored = self.store.entry(&of.entry).await?;
        let link = stored
            .as_ref()
            .and_then(|stored| stored.entry.header().link(stream));
        Ok(link
            .ok_or(HistoryError::PayloadMissing { entry: of.entry })?
            .seq)
    }

    async fn record_sightings(
        &self,
        caller: &Caller,
        environment: &Name,
        snapshot: EntryHash,
        changes: &[(SightingChange, Fingerprint)],
    ) -> Result<(), RecorderError> {
        let mut drafts: Vec<Draft> = Vec::with_capacity(changes.len());
        for (change, fingerprint) in changes {
            let fields = Sighted {
                change: *change,
                environment: environment.clone(),
                fingerprint: *fingerprint,
                snapshot,
            };
            let mut draft = self.draft(
                caller.by().clone(),
                &fields,
                vec![StreamName::running(fingerprint)],
            )?;
            let key = format!("{snapshot}/{fingerprint}");
            draft.idempotency = Some(idempotency(Sighted::KIND, &key, &[]));
            drafts.push(draft);
        }
        // Each is an entry and one link.
        for batch in drafts.chunks(BATCH_ITEMS_MAX / 2) {
            self.append(batch.to_vec()).await?;
        }
        Ok(())
    }

    /// Finds the newest snapshot at or before a seq of an environment's stream.
    pub(crate) async fn observed(
        &self,
        stream: &StreamName,
        from_seq: u64,
    ) -> Result<Option<Observed>, RecorderError> {
        let Some(newest) = self.last_snapshot(stream, from_seq).await? else {
            return Ok(None);
        };
        let (stored, taken) = newest;
        let header = stored.entry.header();
        let newest_hash = stored.entry.hash();
        let (taken_ms, seq) = (
            header.recorded_ms,
            header.link(stream).map_or(0, |link| link.seq),
        );
        let list = match taken.same_as {
            None => stored,
            Some(entry) => self
                .store
                .entry(&entry)
                .await?
                .ok_or(HistoryError::PayloadMissing { entry })?,
        };
        let entry = list.entry.hash();
        let loaded = self.with_facts(vec![list]).await?;
        let facts = loaded.first().and_then(|loaded| loaded.facts.clone());
        let facts = facts.ok_or(HistoryError::PayloadMissing { entry })?;
        let facts: SnapshotFacts = serde_json::from_slice(&facts)
            .map_err(|source| HistoryError::Payload { entry, source })?;
        Ok(Some(Observed {
            entry,
            newest: newest_hash,
            seq,
            taken_ms,
            artifacts: facts.artifacts,
        }))
    }

    async fn last_snapshot(
        &self,
        stream: &StreamName,
        from_seq: u64,
    ) -> Result<Option<(Stored, SnapshotTaken)>, RecorderError> {
        let mut found = None;
        self.look_back(stream, from_seq, |stored, body| {
            if let Body::SnapshotTaken(taken) = body {
                found = Some((stored, taken));
                return false;
            }
            true
        })
        .await?;
        Ok(found)
    }

    /// Goes back over a stream until `visit` has seen enough or [`LOOK_BACK_MAX`] entries.
    pub(crate) async fn look_back(
        &self,
        stream: &StreamName,
        from_seq: u64,
        mut visit: impl FnMut(Stored, Body) -> bool,
    ) -> Result<(), RecorderError> {
        let mut next = Some(from_seq);
        let mut seen = 0;
        while let Some(from) = next.filter(|_| seen < LOOK_BACK_MAX) {
            let page = self
                .store
                .range(stream, from, PAGE, Direction::Backward)
                .await?;
            let oldest = page
                .last()
                .and_then(|stored| stored.entry.header().link(stream))
                .map(|link| link.seq);
            next = oldest
                .and_then(|seq| seq.checked_sub(1))
                .filter(|_| page.len() == PAGE);
            seen += page.len() as u64;
            for stored in page {
                let entry = stored.entry.hash();
                let body = Body::parse(stored.entry.header())
                    .map_err(|source| HistoryError::Entry { entry, source })?;
                if !visit(stored, body) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

/// Sorts a list, and adds up what is named twice.
fn tidy(artifacts: Vec<Running>) -> Result<Vec<Running>, RecorderError> {
    if artifacts.len() > SNAPSHOT_ARTIFACTS_MAX {
        return Err(RecorderError::Invalid(format!(
            "a snapshot has at most `{SNAPSHOT_ARTIFACTS_MAX}` artifacts"
        )));
    }
    let mut sorted = BTreeMap::<(Fingerprint, String), u32>::new();
    for running in artifacts {
        check_text("name", &running.name)?;
        let instances = sorted
            .entry((running.fingerprint, running.name))
            .or_default();
        *instances = instances.saturating_add(running.instances);
    }
    Ok(sorted
        .into_iter()
        .map(|((fingerprint, name), instances)| Running {
            fingerprint,
            instances,
            name,
        })
        .collect())
}

/// Says which fingerprints started and which stopped, in order.
pub(crate) fn changes(before: &[Running], after: &[Running]) -> Vec<(SightingChange, Fingerprint)> {
    let set = |list: &[Running]| {
        list.iter()
            .map(|running| running.fingerprint)
            .collect::<std::collections::BTreeSet<_>>()
    };
    let (old, new) = (set(before), set(after));
    let stopped = old
        .difference(&new)
        .map(|fingerprint| (SightingChange::Stopped, *fingerprint));
    let started = new
        .difference(&old)
        .map(|fingerprint| (SightingChange::Started, *fingerprint));
    stopped.chain(started).collect()
}
