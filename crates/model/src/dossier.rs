//! The dossier: all that the journal knows about an artifact at a position, as policies see it.
//!
//! Its canonical JSON is what a decision's dossier digest is over, what a Rego policy gets as `input`, and what
//! `wit/` types for components. Lists are in the order of the journal; members are declared in canonical order.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{CommitId, EntryHash, Fingerprint, KeyId, Name, PersonId};

/// The version of the rules by which a dossier is built from entries.
pub const BUILDER: u32 = 1;

/// The input of every policy.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dossier {
    /// Approvals for this artifact in this environment.
    pub approvals: Vec<Approval>,
    /// Attestations about the artifact and its trail; provenance is one of type `provenance`.
    pub attestations: Vec<Attestation>,
    /// The commits that come with this artifact.
    pub change: Change,
    /// The time at which the decision is made, in milliseconds since 1970-01-01 UTC.
    pub now_ms: u64,
    /// What the flow's template requires.
    pub required: Vec<Requirement>,
    /// What is judged.
    pub subject: Subject,
}

/// What a decision is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// Where it is to run.
    pub environment: Name,
    /// The artifact.
    pub fingerprint: Fingerprint,
    /// The flow it was built in.
    pub flow: Name,
    /// What its recorder called it.
    pub name: String,
    /// The trail it was built in.
    pub trail: Name,
}

/// One attestation, as a policy sees it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attestation {
    /// When it claims to have happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_ms: Option<u64>,
    /// The entry that records it.
    pub entry: EntryHash,
    /// The typed facts, canonical JSON.
    pub facts: Box<RawValue>,
    /// The flow it was recorded for.
    pub flow: Name,
    /// Whether it comes from another flow: it then satisfies and fails nothing.
    pub foreign: bool,
    /// What the reporter calls this piece of evidence, for example `unit-tests`.
    pub name: Name,
    /// What it says in one word.
    pub outcome: Outcome,
    /// When it was recorded.
    pub recorded_ms: u64,
    /// The key that reported it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reporter: Option<KeyId>,
    /// The schema of `facts`, for example `junit.v1`.
    pub schema: Name,
    /// Whether it is about the artifact or about its trail.
    pub subject: SubjectKind,
    /// The type of evidence, for example `junit`.
    #[serde(rename = "type")]
    pub attestation_type: Name,
}

/// What an attestation says in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// What it reports on succeeded.
    Passed,
    /// What it reports on failed.
    Failed,
    /// It reports without judging, as provenance does.
    Neutral,
}

/// What an attestation is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SubjectKind {
    /// The artifact.
    Artifact,
    /// The trail it was built in.
    Trail,
}

/// One attestation that a flow's template requires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// The required name.
    pub name: Name,
    /// About what.
    pub subject: SubjectKind,
    /// The required type.
    #[serde(rename = "type")]
    pub attestation_type: Name,
}

/// The commits between the artifact last allowed in the environment and this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// The commits, oldest first.
    pub commits: Vec<Commit>,
    /// Whether every commit is known, and everyone who took part in it is a registered person.
    pub complete: bool,
    /// The artifact last allowed in the environment, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Fingerprint>,
}

/// One commit of a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Commit {
    /// Everyone who authored or committed it and is registered.
    pub people: Vec<PersonId>,
    /// The commit.
    pub sha: CommitId,
    /// How many who took part are not registered.
    pub unregistered: u32,
}

/// One approval, as a policy sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The entry that records it.
    pub entry: EntryHash,
    /// When it ends.
    pub expires_ms: u64,
    /// Who gave it.
    pub person: PersonId,
    /// Why it does not count, where it does not, for example `author-of-the-change`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Name>,
    /// When it was recorded.
    pub recorded_ms: u64,
    /// Whether it counts.
    pub status: ApprovalStatus,
}

/// Whether an approval counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ApprovalStatus {
    /// It counts.
    Valid,
    /// It does not count, or no longer; `reason` says why.
    Stale,
}
