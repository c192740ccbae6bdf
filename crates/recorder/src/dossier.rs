//! Builds the dossier: a pure function of the record, the same when a decision is made and when it is replayed.

use std::collections::HashSet;
use std::sync::Arc;

use model::dossier::{Approval, Attestation, Change, Dossier, Outcome, Subject, SubjectKind};
use model::limits::DOSSIER_ATTESTATIONS_MAX;
use model::{Body, EntryHash, Fingerprint, KeyId, Name, StreamName};
use serde_json::value::RawValue;

use crate::approval::{self, Release};
use crate::change;
use crate::definitions::Definitions;
use crate::error::HistoryError;
use crate::history::{History, Loaded, Missing};
use crate::judge::NotJudged;

/// What a dossier is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The artifact.
    pub fingerprint: Fingerprint,
    /// Its flow.
    pub flow: Name,
    /// Its trail.
    pub trail: Name,
    /// Where it is to run; a trial may leave it open.
    pub environment: Name,
    /// The time it is asked for.
    pub now_ms: u64,
}

/// Why there is no dossier.
#[derive(Debug)]
pub(crate) enum NoDossier {
    /// A stream must be loaded first.
    Missing(StreamName),
    /// There is more evidence than one decision weighs; this key sent the most of it.
    TooLarge(Option<KeyId>),
    /// The record does not say what its kinds say.
    History(HistoryError),
}

impl From<Missing> for NoDossier {
    fn from(Missing(stream): Missing) -> Self {
        Self::Missing(stream)
    }
}

/// Builds the dossier of a question.
pub(crate) fn build(
    definitions: &Definitions,
    history: &History,
    question: &Question,
) -> Result<Dossier, NoDossier> {
    let artifact = history.stream(&StreamName::artifact(&question.fingerprint))?;
    let trail = history.stream(&StreamName::trail(&question.flow, &question.trail))?;
    let change = change::find(
        history,
        &question.environment,
        &question.flow,
        &question.fingerprint,
    )?;

    let mut seen = HashSet::new();
    let mut name = String::new();
    let mut attestations = Vec::new();
    for loaded in artifact.iter().chain(trail) {
        if !seen.insert(loaded.entry.hash()) {
            continue;
        }
        if let Body::ArtifactRecorded(recorded) = &loaded.body
            && recorded.fingerprint == question.fingerprint
        {
            name.clone_from(&recorded.name);
        }
        attestations.extend(attestation(loaded, question).map_err(NoDossier::History)?);
    }
    if attestations.len() > DOSSIER_ATTESTATIONS_MAX {
        return Err(NoDossier::TooLarge(busiest(&attestations)));
    }

    let approvals = judged([artifact, trail], question, &change).map_err(NoDossier::History)?;
    let required = definitions
        .flow(&question.flow)
        .map(|flow| flow.required.clone())
        .unwrap_or_default();
    Ok(Dossier {
        approvals,
        attestations,
        change,
        now_ms: question.now_ms,
        required,
        subject: Subject {
            environment: question.environment.clone(),
            fingerprint: question.fingerprint,
            flow: question.flow.clone(),
            name,
            trail: question.trail.clone(),
        },
    })
}

/// Judges the approvals of a question alone, as its dossier has them.
pub(crate) fn approvals(
    history: &History,
    question: &Question,
) -> Result<Vec<Approval>, NotJudged> {
    let Question {
        environment,
        flow,
        fingerprint,
        trail,
        ..
    } = question;
    let missing = |Missing(stream)| NotJudged::Missing(stream);
    let change = change::find(history, environment, flow, fingerprint).map_err(missing)?;
    let artifact = history.stream(&StreamName::artifact(fingerprint));
    let trail = history.stream(&StreamName::trail(flow, trail));
    let entries = [artifact.map_err(missing)?, trail.map_err(missing)?];
    judged(entries, question, &change).map_err(NotJudged::History)
}

fn judged(
    [artifact, trail]: [&[Arc<Loaded>]; 2],
    question: &Question,
    change: &Change,
) -> Result<Vec<Approval>, HistoryError> {
    let encoding = |source| HistoryError::Genesis { source };
    // Most releases wait for nobody: then nothing names the change.
    let is_approval = |loaded: &Arc<Loaded>| matches!(loaded.body, Body::ApprovalGiven(_));
    let digest = match artifact.iter().any(is_approval) {
        true => Some(change::digest(change).map_err(encoding)?),
        false => None,
    };
    let release = Release {
        fingerprint: &question.fingerprint,
        flow: &question.flow,
        trail: &question.trail,
        environment: &question.environment,
        now_ms: question.now_ms,
    };
    approval::judge(release, artifact, trail, change, digest)
        .map_err(|error| encoding(serde::de::Error::custom(error)))
}

/// Reads an entry as evidence about the question, if it is that.
fn attestation(loaded: &Loaded, question: &Question) -> Result<Option<Attestation>, HistoryError> {
    let header = loaded.entry.header();
    let (attestation_type, name, flow, outcome, subject) = match &loaded.body {
        Body::Attested(attested)
            if attested
                .fingerprint
                .is_none_or(|about| about == question.fingerprint) =>
        {
            let subject = attested.subject;
            (
                attested.attestation_type.clone(),
                attested.name.clone(),
                &attested.flow,
                attested.outcome,
                subject,
            )
        }
        Body::ArtifactRecorded(recorded) if recorded.fingerprint == question.fingerprint => {
            let provenance = provenance_name(loaded.entry.hash())?;
            (
                provenance.clone(),
                provenance,
                &recorded.flow,
                Outcome::Neutral,
                SubjectKind::Artifact,
            )
        }
        _ => return Ok(None),
    };
    let missing = || HistoryError::PayloadMissing {
        entry: loaded.entry.hash(),
    };
    let facts = loaded.facts.as_deref().ok_or_else(missing)?;
    let schema = header
        .payload(model::Role::Facts)
        .and_then(|payload| payload.schema.clone());
    let wrong = |source| HistoryError::Payload {
        entry: loaded.entry.hash(),
        source,
    };
    Ok(Some(Attestation {
        claimed_ms: header.claimed_ms,
        entry: loaded.entry.hash(),
        facts: raw(facts).map_err(wrong)?,
        foreign: *flow != question.flow,
        flow: flow.clone(),
        name,
        outcome,
        recorded_ms: header.recorded_ms,
        reporter: header.by.key.clone(),
        schema: schema.ok_or_else(missing)?,
        subject,
        attestation_type,
    }))
}

fn provenance_name(entry: EntryHash) -> Result<Name, HistoryError> {
    let wrong = |error| HistoryError::Payload {
        entry,
        source: serde::de::Error::custom(error),
    };
    "provenance".parse().map_err(wrong)
}

fn raw(bytes: &[u8]) -> Result<Box<RawValue>, serde_json::Error> {
    serde_json::from_slice(bytes)
}

/// Returns the key that sent most of the evidence.
pub(crate) fn busiest(attestations: &[Attestation]) -> Option<KeyId> {
    let mut counts = std::collections::BTreeMap::<&KeyId, usize>::new();
    for reporter in attestations
        .iter()
        .filter_map(|attestation| attestation.reporter.as_ref())
    {
        *counts.entry(reporter).or_default() += 1;
    }
    counts
        .into_iter()
        .max_by_key(|(_, count)| *count)
        .map(|(key, _)| key.clone())
}
