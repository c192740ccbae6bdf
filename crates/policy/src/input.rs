use std::collections::HashSet;
use std::sync::OnceLock;

use model::dossier::{ApprovalStatus, Outcome, SubjectKind};
use model::{Dossier, EntryHash, Fingerprint};

use crate::bindings::engine::Document;
use crate::bindings::types;
use crate::document;
use crate::source::digest;

/// A dossier that could not be made ready for policies.
#[derive(Debug, thiserror::Error)]
#[error("could not encode the dossier")]
pub struct InputError(#[source] serde_json::Error);

/// A dossier made ready for all policies of one decision: its canonical JSON, its typed records for components, and its
/// flat document for the Rego engine, made when the first policy in Rego needs it.
#[derive(Debug, Clone)]
pub struct DossierInput {
    canonical: String,
    document: OnceLock<Document>,
    typed: types::Dossier,
    entries: HashSet<EntryHash>,
}

impl DossierInput {
    /// Converts a dossier once.
    ///
    /// # Errors
    /// When the dossier has no JSON form.
    pub fn new(dossier: &Dossier) -> Result<Self, InputError> {
        let bytes = model::canonical::ordered_to_vec(dossier).map_err(InputError)?;
        let canonical = String::from_utf8(bytes)
            .map_err(|error| InputError(serde::ser::Error::custom(error)))?;
        let attested = dossier
            .attestations
            .iter()
            .map(|attestation| attestation.entry);
        let entries = attested
            .chain(dossier.approvals.iter().map(|approval| approval.entry))
            .collect();
        Ok(Self {
            canonical,
            document: OnceLock::new(),
            typed: typed(dossier),
            entries,
        })
    }

    /// Takes any JSON in the place of a dossier, for measurements: rules in Rego see it as their `input`, and a component
    /// sees a dossier with nothing in it.
    #[doc(hidden)]
    #[must_use]
    pub fn of_json(json: &str) -> Self {
        let nothing = String::new;
        Self {
            canonical: json.to_owned(),
            document: OnceLock::new(),
            typed: types::Dossier {
                now_ms: 0,
                subject: types::Subject {
                    fingerprint: nothing(),
                    name: nothing(),
                    flow: nothing(),
                    trail: nothing(),
                    environment: nothing(),
                },
                attestations: Vec::new(),
                approvals: Vec::new(),
                change: types::Change {
                    since: None,
                    complete: true,
                    commits: Vec::new(),
                },
                required: Vec::new(),
            },
            entries: HashSet::new(),
        }
    }

    /// Makes what the Rego engine is given, which is otherwise made when it is first needed.
    #[doc(hidden)]
    pub fn make_document(&self) {
        self.document();
    }

    /// Returns the dossier's canonical JSON.
    #[must_use]
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// Computes the SHA-256 digest of the canonical JSON.
    #[must_use]
    pub fn digest(&self) -> Fingerprint {
        digest(self.canonical.as_bytes())
    }

    pub(crate) const fn typed(&self) -> &types::Dossier {
        &self.typed
    }

    pub(crate) fn document(&self) -> &Document {
        self.document
            .get_or_init(|| document::encode(&self.canonical))
    }

    /// Says whether a finding may rest on an entry.
    pub(crate) fn has(&self, entry: &EntryHash) -> bool {
        self.entries.contains(entry)
    }
}

fn typed(dossier: &Dossier) -> types::Dossier {
    types::Dossier {
        now_ms: dossier.now_ms,
        subject: types::Subject {
            fingerprint: dossier.subject.fingerprint.to_string(),
            name: dossier.subject.name.clone(),
            flow: dossier.subject.flow.to_string(),
            trail: dossier.subject.trail.to_string(),
            environment: dossier.subject.environment.to_string(),
        },
        attestations: dossier.attestations.iter().map(attestation).collect(),
        approvals: dossier.approvals.iter().map(approval).collect(),
        change: change(&dossier.change),
        required: dossier.required.iter().map(requirement).collect(),
    }
}

fn attestation(attestation: &model::dossier::Attestation) -> types::Attestation {
    types::Attestation {
        entry: attestation.entry.to_string(),
        type_: attestation.attestation_type.to_string(),
        name: attestation.name.to_string(),
        subject: subject_kind(attestation.subject),
        outcome: match attestation.outcome {
            Outcome::Passed => types::Outcome::Passed,
            Outcome::Failed => types::Outcome::Failed,
            Outcome::Neutral => types::Outcome::Neutral,
        },
        recorded_ms: attestation.recorded_ms,
        claimed_ms: attestation.claimed_ms,
        reporter: attestation.reporter.as_ref().map(ToString::to_string),
        flow: attestation.flow.to_string(),
        foreign: attestation.foreign,
        schema: attestation.schema.to_string(),
        facts: attestation.facts.get().to_owned(),
    }
}

fn approval(approval: &model::dossier::Approval) -> types::Approval {
    types::Approval {
        entry: approval.entry.to_string(),
        person: approval.person.to_string(),
        recorded_ms: approval.recorded_ms,
        expires_ms: approval.expires_ms,
        status: match approval.status {
            ApprovalStatus::Valid => types::ApprovalStatus::Valid,
            ApprovalStatus::Stale => types::ApprovalStatus::Stale,
        },
        reason: approval.reason.as_ref().map(ToString::to_string),
    }
}

fn change(change: &model::dossier::Change) -> types::Change {
    let commit = |commit: &model::dossier::Commit| types::Commit {
        sha: commit.sha.to_string(),
        people: commit.people.iter().map(ToString::to_string).collect(),
        unregistered: commit.unregistered,
    };
    types::Change {
        since: change.since.as_ref().map(ToString::to_string),
        complete: change.complete,
        commits: change.commits.iter().map(commit).collect(),
    }
}

fn requirement(requirement: &model::dossier::Requirement) -> types::Requirement {
    types::Requirement {
        type_: requirement.attestation_type.to_string(),
        name: requirement.name.to_string(),
        subject: subject_kind(requirement.subject),
    }
}

const fn subject_kind(kind: SubjectKind) -> types::SubjectKind {
    match kind {
        SubjectKind::Artifact => types::SubjectKind::Artifact,
        SubjectKind::Trail => types::SubjectKind::Trail,
    }
}
