//! Replay: makes a recorded decision again, from a verified bundle alone, and compares.

use std::sync::Arc;

use journal::verify::{Complete, VerifiedBundle};
use model::dossier::BUILDER;
use model::kind::{Decided, Verdict};
use model::{Body, Entry, EntryHash, Role, Root, StreamName};

use crate::decision::{Grounds, Judged};
use crate::definitions::Definitions;
use crate::dossier::Question;
use crate::error::{HistoryError, RecorderError};
use crate::history::{History, Loaded};
use crate::judge::{NotJudged, Participant, judge};
use crate::known::DEFINITIONS_AGE_MS_MAX;
use crate::policies::source_of;
use crate::sandboxes::Policies;

/// What a replay found to be the same.
#[derive(Debug, Clone)]
pub struct Replayed {
    /// The decision.
    pub decision: EntryHash,
    /// The grounds, as recorded and as found again.
    pub grounds: Grounds,
    /// The streams that the decision rests on and the bundle does not show to be complete up to it.
    pub unproved: Vec<StreamName>,
    /// What was decided.
    pub decided: Decided,
}

/// Why a decision does not stand.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The bundle does not hold it.
    #[error("the bundle holds no decision `{0}`")]
    NotThere(EntryHash),
    /// Something that it rests on is not in the bundle or cannot be read.
    #[error("what the decision rests on is not all there")]
    History(#[from] HistoryError),
    /// The sandbox cannot run its policies.
    #[error("the decision's policies cannot be run")]
    Policy(#[source] Box<RecorderError>),
    /// This program does not know how its dossier was built.
    #[error("dossiers of builder version `{0}` are not known")]
    Builder(u32),
    /// The recorded decision is not what follows from the record.
    #[error("the decision differs in {what}: `{recorded}` is recorded, `{found}` is found")]
    Differs {
        /// In what.
        what: String,
        /// What the journal says.
        recorded: String,
        /// What follows from the record.
        found: String,
    },
}

/// Makes a decision again and compares it to the bit: dossier, policies in force, verdicts, findings, fuel and memory.
///
/// # Errors
/// Names the first difference, or what is missing.
pub fn replay(
    bundle: &VerifiedBundle,
    decision: &EntryHash,
    policies: &Policies,
) -> Result<Replayed, ReplayError> {
    let (_, entry) = bundle
        .entry(decision)
        .ok_or(ReplayError::NotThere(*decision))?;
    let Ok(Body::Decided(decided)) = Body::parse(entry.header()) else {
        return Err(ReplayError::NotThere(*decision));
    };
    let recorded: Grounds = read_payload(bundle, entry, Role::Rule)?;
    if recorded.builder != BUILDER {
        return Err(ReplayError::Builder(recorded.builder));
    }
    same(
        "position",
        &places(&recorded),
        &expected_places(entry, &decided, &recorded),
    )?;

    let mut history = History::default();
    let mut definitions = Definitions::default();
    for place in &recorded.position {
        let entries = stream(bundle, &place.stream, place.entries)?;
        if place.stream == StreamName::admin() {
            for loaded in entries.iter() {
                definitions.apply(&loaded.entry)?;
            }
        } else {
            history.insert(place.stream.clone(), entries);
        }
    }
    check_definitions(bundle, definitions.entries, &decided)?;
    same("solo", &decided.solo, &definitions.solo)?;

    let question = Question {
        fingerprint: decided.fingerprint,
        flow: decided.flow.clone(),
        trail: decided.trail.clone(),
        environment: decided.environment.clone(),
        now_ms: decided.now_ms,
    };
    let participants = participants(bundle, &definitions, &question, policies)?;
    let found = judge(
        &definitions,
        &history,
        &question,
        &participants,
        &recorded.limits,
    )
    .map_err(|error| match error {
        NotJudged::Missing(stream) => HistoryError::StreamMissing { stream, entries: 1 },
        NotJudged::History(error) => error,
    })?;
    compare(&recorded, &found)?;
    same("verdict", &decided.verdict, &found.verdict())?;
    let used = found.exceptions_used();
    same("number of exceptions", &decided.exceptions, &used)?;
    let unproved = unproved(bundle, &recorded);
    Ok(Replayed {
        decision: *decision,
        grounds: recorded,
        unproved,
        decided,
    })
}

/// A decision must have looked at the whole of what it was linked after: its own links say how much that was.
fn expected_places(entry: &Entry, decided: &Decided, recorded: &Grounds) -> Vec<(StreamName, u64)> {
    let own = |stream: &StreamName| entry.header().link(stream).map(|link| link.seq);
    let allowed = StreamName::allowed(&decided.environment, &decided.flow);
    let mut expected = places(recorded);
    for (stream, entries) in &mut expected {
        if *stream != allowed || decided.verdict == Verdict::Allowed {
            *entries = own(stream).unwrap_or(*entries);
        }
    }
    expected
}

/// Checks that a decision looked at the definitions that it must be judged by.
///
/// By which rule stands in the journal, before the decision: where several recorders share it, by all that were recorded
/// so long before as its `journal-shared` entry says, and by no others. Where there is one recorder, by all that it had,
/// of which none that is missing may be older than 30 s.
fn check_definitions(
    bundle: &VerifiedBundle,
    seen: u64,
    decided: &Decided,
) -> Result<(), ReplayError> {
    let now_ms = decided.now_ms;
    let mut all = Definitions::default();
    for (_, entry) in bundle.stream(&StreamName::admin(), ..) {
        all.apply(entry)?;
    }
    let Some(after_ms) = all.in_force_after_ms(now_ms) else {
        let late = bundle
            .stream(&StreamName::admin(), seen..)
            .next()
            .filter(|(_, entry)| {
                let recorded_ms = entry.header().recorded_ms;
                recorded_ms.saturating_add(DEFINITIONS_AGE_MS_MAX) < now_ms
            })
            .map(|(_, entry)| entry.hash());
        return same("definitions", &None, &late);
    };
    let in_force = bundle
        .stream(&StreamName::admin(), ..)
        .enumerate()
        .filter(|(_, (_, entry))| entry.header().recorded_ms.saturating_add(after_ms) <= now_ms)
        .last()
        .map_or(0, |(at, _)| at as u64 + 1);
    same("number of definitions in force", &seen, &in_force)
}

fn places(grounds: &Grounds) -> Vec<(StreamName, u64)> {
    grounds
        .position
        .iter()
        .map(|place| (place.stream.clone(), place.entries))
        .collect()
}

fn participants(
    bundle: &VerifiedBundle,
    definitions: &Definitions,
    question: &Question,
    policies: &Policies,
) -> Result<Vec<Participant>, ReplayError> {
    let mut participants = Vec::new();
    for binding in definitions.in_force(&question.environment, &question.flow, question.now_ms) {
        let hash = binding.bound.policy;
        let missing = || HistoryError::PayloadMissing { entry: hash };
        let policy = definitions.policy(&hash).ok_or_else(missing)?;
        let bytes = bundle.payload(&policy.payload).ok_or_else(missing)?;
        let source = source_of(policy, bytes.to_vec(), &hash)?;
        let engine: Arc<[u8]> = match policy.engine.and_then(|engine| definitions.engine(&engine)) {
            Some(engine) => bundle.payload(&engine.payload).ok_or_else(missing)?.into(),
            None => policies.stock_engine(),
        };
        let prepared = policies
            .prepare(&engine, &source)
            .map_err(|error| ReplayError::Policy(Box::new(error)))?;
        participants.push(Participant {
            advisory: binding.bound.advisory,
            binding: Some(binding.entry),
            name: policy.name.clone(),
            parameters: binding.bound.parameters.clone(),
            policy: Some(hash),
            prepared,
        });
    }
    Ok(participants)
}

fn compare(recorded: &Grounds, found: &Grounds) -> Result<(), ReplayError> {
    let digest = |dossier: &Option<Root>| {
        dossier.map_or_else(|| "none".to_owned(), |digest| digest.to_string())
    };
    same(
        "dossier",
        &digest(&recorded.dossier),
        &digest(&found.dossier),
    )?;
    same("denial", &recorded.denial, &found.denial)?;
    same(
        "number of policies",
        &recorded.policies.len(),
        &found.policies.len(),
    )?;
    for (was, is) in recorded.policies.iter().zip(&found.policies) {
        let Judged { name, .. } = was;
        same(&format!("policy `{name}`"), &was.policy, &is.policy)?;
        same(
            &format!("identity of policy `{name}`"),
            &was.identity,
            &is.identity,
        )?;
        same(
            &format!("parameters of policy `{name}`"),
            &was.parameters,
            &is.parameters,
        )?;
        same(
            &format!("evaluation of policy `{name}`"),
            &was.evaluation,
            &is.evaluation,
        )?;
        same(
            &format!("exceptions from policy `{name}`"),
            &was.exceptions,
            &is.exceptions,
        )?;
        same(&format!("binding of policy `{name}`"), was, is)?;
    }
    same("position", &recorded.position, &found.position)
}

fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    recorded: &T,
    found: &T,
) -> Result<(), ReplayError> {
    if recorded == found {
        return Ok(());
    }
    Err(ReplayError::Differs {
        what: what.to_owned(),
        recorded: format!("{recorded:?}"),
        found: format!("{found:?}"),
    })
}

/// Reads the first entries of a stream.
fn stream(
    bundle: &VerifiedBundle,
    stream: &StreamName,
    entries: u64,
) -> Result<Arc<[Arc<Loaded>]>, HistoryError> {
    let loaded: Vec<Arc<Loaded>> = bundle
        .stream(stream, ..entries)
        .map(|(index, entry)| {
            let facts = entry
                .header()
                .payload(Role::Facts)
                .and_then(|facts| bundle.payload(&facts.digest));
            Loaded::new(Some(index), entry.clone(), facts.map(Into::into)).map(Arc::new)
        })
        .collect::<Result<_, _>>()?;
    if loaded.len() as u64 == entries {
        Ok(loaded.into())
    } else {
        Err(HistoryError::StreamMissing {
            stream: stream.clone(),
            entries,
        })
    }
}

fn read_payload(
    bundle: &VerifiedBundle,
    entry: &Entry,
    role: Role,
) -> Result<Grounds, HistoryError> {
    let missing = || HistoryError::PayloadMissing {
        entry: entry.hash(),
    };
    let reference = entry.header().payload(role).ok_or_else(missing)?;
    let bytes = bundle.payload(&reference.digest).ok_or_else(missing)?;
    serde_json::from_slice(bytes).map_err(|source| HistoryError::Payload {
        entry: entry.hash(),
        source,
    })
}

/// Finds the streams of a position that the bundle does not show to be complete.
fn unproved(bundle: &VerifiedBundle, grounds: &Grounds) -> Vec<StreamName> {
    let complete = |stream: &StreamName| match &bundle.report().complete {
        Complete::Journal { .. } => true,
        Complete::Streams(ranges) => ranges.iter().any(|range| range.stream == *stream),
    };
    grounds
        .position
        .iter()
        .map(|place| &place.stream)
        .filter(|stream| !complete(stream))
        .cloned()
        .collect()
}
