//! The past: every decision of a verified bundle, with all that it rests on, read once and in the order of the log.
//!
//! Streams are loaded when they are first asked for and shared by all that look at them; definitions are folded once,
//! onward from one decision to the next; a policy is made ready once. So all decisions of a journal are gone through in
//! time linear in its entries, on as many threads as there are.

mod all;
mod impact;
mod rules;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use journal::verify::{Complete, VerifiedBundle};
use model::dossier::Approval;
use model::kind::Verdict;
use model::{Body, Entry, EntryHash, PayloadDigest, Role, StreamName};
use policy::Prepared;

use self::rules::Rules;
use crate::decide::NO_ENVIRONMENT;
use crate::decision::Grounds;
use crate::definitions::{Definitions, Policy};
use crate::dossier::{self, Question};
use crate::error::HistoryError;
use crate::history::{History, Loaded, Shared};
use crate::policies::source_of;
use crate::replay::{ReplayError, not_judged};
use crate::sandboxes::Policies;
use crate::trust::{Demands, Signed, Verified};

pub use all::for_all;
pub use impact::{Candidate, Impact, Measure, Said};

/// All decisions and trials of a bundle.
pub struct Past<'a> {
    pub(crate) bundle: &'a VerifiedBundle,
    pub(crate) rules: Rules<'a>,
    asked: Vec<Asked>,
    places: HashMap<EntryHash, usize>,
    loaded: Mutex<HashMap<u64, Arc<Loaded>>>,
    streams: Mutex<HashMap<StreamName, Shared>>,
    prepared: Mutex<HashMap<EntryHash, Prepared>>,
    verified: Verified,
}

/// A decision or a trial, as its entry says.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The entry.
    pub entry: EntryHash,
    /// How many exceptions it took to allow it; a trial does not say.
    pub exceptions: Option<u64>,
    /// What was asked.
    pub question: Question,
    /// When it was recorded, in milliseconds since 1970-01-01 UTC.
    pub recorded_ms: u64,
    /// Whether the journal let one person bind policies; a trial does not say.
    pub solo: Option<bool>,
    /// Whether it was only a trial.
    pub trial: bool,
    /// What came of it.
    pub verdict: Verdict,
}

/// What a decision saw.
pub(crate) struct Scene {
    pub(crate) definitions: Arc<Definitions>,
    pub(crate) history: History,
}

impl<'a> Past<'a> {
    /// Finds all decisions and trials of a bundle.
    ///
    /// # Errors
    /// When an entry of the journal is not of its kind's form.
    pub fn new(bundle: &'a VerifiedBundle) -> Result<Self, HistoryError> {
        let mut asked = Vec::new();
        for (_, entry) in bundle.entries() {
            asked.extend(read(entry)?);
        }
        let place = |(place, asked): (usize, &Asked)| (asked.entry, place);
        Ok(Self {
            bundle,
            rules: Rules::new(bundle)?,
            places: asked.iter().enumerate().map(place).collect(),
            asked,
            loaded: Mutex::default(),
            streams: Mutex::default(),
            prepared: Mutex::default(),
            verified: Verified::default(),
        })
    }

    /// Lists the decisions and trials, in the order of the log.
    #[must_use]
    pub fn asked(&self) -> &[Asked] {
        &self.asked
    }

    /// Finds a decision or a trial.
    #[must_use]
    pub fn find(&self, entry: &EntryHash) -> Option<&Asked> {
        self.asked.get(*self.places.get(entry)?)
    }

    /// Reads what was recorded of a decision beside its verdict.
    pub(crate) fn grounds(&self, asked: &Asked) -> Result<Grounds, HistoryError> {
        let entry = asked.entry;
        let missing = || HistoryError::PayloadMissing { entry };
        let (_, found) = self.bundle.entry(&entry).ok_or_else(missing)?;
        let reference = found.header().payload(Role::Rule).ok_or_else(missing)?;
        let bytes = self.bundle.payload(&reference.digest);
        serde_json::from_slice(bytes.ok_or_else(missing)?)
            .map_err(|source| HistoryError::Payload { entry, source })
    }

    /// Judges the approvals that a decision or a trial saw, as its dossier has them.
    ///
    /// # Errors
    /// When what it rests on is not all in the bundle.
    pub fn approvals(&self, asked: &Asked) -> Result<Vec<Approval>, HistoryError> {
        let scene = self.scene(&self.grounds(asked)?)?;
        dossier::approvals(&scene.history, &asked.question).map_err(not_judged)
    }

    /// Returns what a decision saw: as much of each stream as it says.
    pub(crate) fn scene(&self, grounds: &Grounds) -> Result<Scene, HistoryError> {
        let mut history = History::default();
        let mut definitions = None;
        for place in &grounds.position {
            if place.stream == StreamName::admin() {
                definitions = Some(self.rules.after(place.entries)?);
                continue;
            }
            let missing = || HistoryError::StreamMissing {
                stream: place.stream.clone(),
                entries: place.entries,
            };
            let stream = self.stream(&place.stream)?;
            if place.entries > stream.len() {
                // What cannot be read of a stream is told to who needs it.
                self.unreadable(&place.stream, stream.len())?;
                return Err(missing());
            }
            let entries = usize::try_from(place.entries).map_err(|_| missing())?;
            history.insert_first(place.stream.clone(), stream, entries);
        }
        Ok(Scene {
            definitions: definitions.unwrap_or_default(),
            history,
        })
    }

    /// Returns a stream, as far as it is here from its first entry on and can be read.
    fn stream(&self, stream: &StreamName) -> Result<Shared, HistoryError> {
        if let Some(found) = lock(&self.streams).get(stream) {
            return Ok(found.clone());
        }
        let mut entries = Vec::new();
        for (seq, (index, entry)) in (0..).zip(self.bundle.stream(stream, ..)) {
            let in_place = entry.header().link(stream).map(|link| link.seq) == Some(seq);
            match in_place.then(|| self.load(index, entry)) {
                Some(Ok(loaded)) => entries.push(loaded),
                _ => break,
            }
        }
        let shared = Shared::new(entries);
        // Two may load at once: they find the same.
        let mut streams = lock(&self.streams);
        Ok(streams.entry(stream.clone()).or_insert(shared).clone())
    }

    /// Reads an entry, which may lie in several streams, once.
    fn load(&self, index: u64, entry: &Arc<Entry>) -> Result<Arc<Loaded>, HistoryError> {
        if let Some(found) = lock(&self.loaded).get(&index) {
            return Ok(found.clone());
        }
        let facts = entry.header().payload(Role::Facts);
        let facts = facts.and_then(|facts| self.bundle.payload(&facts.digest));
        let loaded = Loaded::new(Some(index), entry.clone(), facts.cloned())?;
        let mut kept = lock(&self.loaded);
        Ok(kept.entry(index).or_insert(Arc::new(loaded)).clone())
    }

    /// Fails as reading the entry at a place in a stream fails, if it is here.
    fn unreadable(&self, stream: &StreamName, seq: u64) -> Result<(), HistoryError> {
        match self.bundle.stream(stream, seq..).next() {
            Some((index, entry)) => self.load(index, entry).map(drop),
            None => Ok(()),
        }
    }

    /// Says whether a policy was signed as it had to be to run.
    pub(crate) fn may_run(
        &self,
        definitions: &Definitions,
        policy: &Policy,
        demands: &Demands<'_>,
    ) -> Result<bool, HistoryError> {
        if demands.are_none() {
            return Ok(true);
        }
        let signatures: Vec<&Signed> = definitions.trust().signatures(policy).collect();
        let bundle = |signed: &Signed| {
            let entry = signed.entry;
            let found = self.bundle.payload(&signed.payload).cloned();
            Ok(found
                .ok_or(HistoryError::PayloadMissing { entry })?
                .to_vec())
        };
        demands.are_met(&signatures, bundle, &self.verified)
    }

    /// Makes a published policy ready, once.
    pub(crate) fn prepared(
        &self,
        entry: &EntryHash,
        definitions: &Definitions,
        policies: &Policies,
    ) -> Result<Prepared, ReplayError> {
        if let Some(found) = lock(&self.prepared).get(entry) {
            return Ok(found.clone());
        }
        let missing = || HistoryError::PayloadMissing { entry: *entry };
        let policy = definitions.policy(entry).ok_or_else(missing)?;
        let joined = |payloads: &[PayloadDigest]| {
            let mut bytes = Vec::new();
            for payload in payloads {
                bytes.extend_from_slice(self.bundle.payload(payload).ok_or_else(missing)?);
            }
            Ok::<_, HistoryError>(bytes)
        };
        let source = source_of(policy, joined(&policy.payloads)?, entry)?;
        let engine: Arc<[u8]> = match policy.engine.and_then(|engine| definitions.engine(&engine)) {
            Some(engine) => joined(&engine.payloads)?.into(),
            None => policies.stock_engine(),
        };
        // One compiles, and the others wait for it.
        let mut kept = lock(&self.prepared);
        if let Some(found) = kept.get(entry) {
            return Ok(found.clone());
        }
        let prepared = policies
            .prepare(&engine, &source)
            .map_err(|error| ReplayError::Policy(Box::new(error)))?;
        kept.insert(*entry, prepared.clone());
        Ok(prepared)
    }

    /// Finds the streams of a position that the bundle does not show to be complete.
    pub(crate) fn unproved(&self, grounds: &Grounds) -> Vec<StreamName> {
        let complete = |stream: &StreamName| match &self.bundle.report().complete {
            Complete::Journal { .. } => true,
            Complete::Streams(ranges) => ranges.iter().any(|range| range.stream == *stream),
        };
        let streams = grounds.position.iter().map(|place| &place.stream);
        streams
            .filter(|stream| !complete(stream))
            .cloned()
            .collect()
    }
}

/// Reads an entry as a decision or a trial, if it is one.
pub(crate) fn read(entry: &Entry) -> Result<Option<Asked>, HistoryError> {
    let header = entry.header();
    if !matches!(header.kind.as_str(), "decision" | "trial") {
        return Ok(None);
    }
    let hash = entry.hash();
    let wrong = |source| HistoryError::Entry {
        entry: hash,
        source,
    };
    let (question, verdict, decided) = match Body::parse(header).map_err(wrong)? {
        Body::Decided(decided) => {
            let question = Question {
                fingerprint: decided.fingerprint,
                flow: decided.flow,
                trail: decided.trail,
                environment: decided.environment,
                now_ms: decided.now_ms,
            };
            (
                question,
                decided.verdict,
                Some((decided.solo, decided.exceptions)),
            )
        }
        Body::Tried(tried) => {
            let nowhere = || NO_ENVIRONMENT.parse();
            let environment = tried.environment.map_or_else(nowhere, Ok);
            let question = Question {
                fingerprint: tried.fingerprint,
                flow: tried.flow,
                trail: tried.trail,
                environment: environment.map_err(|error| HistoryError::Payload {
                    entry: hash,
                    source: serde::de::Error::custom(error),
                })?,
                now_ms: tried.now_ms,
            };
            (question, tried.verdict, None)
        }
        _ => return Ok(None),
    };
    Ok(Some(Asked {
        entry: hash,
        exceptions: decided.map(|(_, exceptions)| exceptions),
        question,
        recorded_ms: header.recorded_ms,
        solo: decided.map(|(solo, _)| solo),
        trial: decided.is_none(),
        verdict,
    }))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
