//! What reporters send: the native form of events.

use std::borrow::Cow;

use evidence::Alias;
use model::dossier::SubjectKind;
use model::{CommitId, EntryHash, Fingerprint, Name};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::upload;

/// One event, as a reporter sends it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Event {
    /// A run of a flow begins.
    Trail(BeginTrail),
    /// An artifact was built.
    Artifact(RecordArtifact),
    /// There is evidence.
    Attestation(Attest),
    /// An artifact was put into an environment.
    Deployment(ReportDeployment),
}

impl Event {
    /// Returns the flow that the event is about.
    #[must_use]
    pub const fn flow(&self) -> &Name {
        match self {
            Self::Trail(event) => &event.flow,
            Self::Artifact(event) => &event.flow,
            Self::Attestation(event) => &event.flow,
            Self::Deployment(event) => &event.flow,
        }
    }

    /// Returns the name of the upload that the event records, if it does.
    #[must_use]
    pub fn upload(&self) -> Option<&str> {
        match self {
            Self::Attestation(Attest {
                report: Report::Upload(name),
                ..
            }) => Some(name),
            _ => None,
        }
    }

    /// Returns what of the event's text makes a retry the same: all of it, but of an upload what it holds, however often
    /// it was announced.
    #[must_use]
    pub fn content<'a>(&self, text: &'a [u8]) -> Cow<'a, [u8]> {
        let named = self
            .upload()
            .and_then(|name| Some((name, upload::held_by(name)?)));
        match (named, std::str::from_utf8(text)) {
            (Some((name, held)), Ok(text)) => Cow::Owned(text.replace(name, &held).into_bytes()),
            _ => Cow::Borrowed(text),
        }
    }
}

/// Begins a trail.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BeginTrail {
    /// Where its build can be looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_url: Option<String>,
    /// The commit it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<CommitId>,
    /// The flow.
    pub flow: Name,
    /// The commit's repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The trail.
    pub trail: Name,
}

/// Records an artifact with its provenance.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordArtifact {
    /// SHA-256 of its bytes.
    pub fingerprint: Fingerprint,
    /// The flow it was built in.
    pub flow: Name,
    /// What it is called, for example a file name or an image reference.
    pub name: String,
    /// How it was built.
    pub provenance: evidence::provenance::Provenance,
    /// The trail it was built in.
    pub trail: Name,
}

/// Records evidence about an artifact or a trail.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attest {
    /// The artifact it is about; without one it is about the trail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    /// The flow it is recorded for.
    pub flow: Name,
    /// What it is called, for example `unit-tests`.
    pub name: Name,
    /// The report as it came.
    pub report: Report,
    /// The trail.
    pub trail: Name,
    /// The type of evidence, for example `junit`.
    #[serde(rename = "type")]
    pub attestation_type: Name,
}

impl Attest {
    /// Returns what the evidence is about.
    #[must_use]
    pub const fn subject(&self) -> SubjectKind {
        if self.fingerprint.is_some() {
            SubjectKind::Artifact
        } else {
            SubjectKind::Trail
        }
    }
}

/// A report: text or base64 in an outer JSON, JSON itself, or what was sent before.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Report {
    /// Text, as it is.
    Text(String),
    /// Any bytes, in base64 (RFC 4648, section 4).
    Base64(String),
    /// JSON, as a part of the event.
    Json(serde_json::Value),
    /// What was uploaded, by the name that its announcement gave it.
    Upload(String),
}

/// Reports a deployment.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportDeployment {
    /// Where its log can be looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build_url: Option<String>,
    /// The decision that allowed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<EntryHash>,
    /// Where it was put.
    pub environment: Name,
    /// What was put there.
    pub fingerprint: Fingerprint,
    /// The flow that deployed it.
    pub flow: Name,
    /// What it is called.
    pub name: String,
}

/// An event with what surrounds it.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The event.
    pub event: Event,
    /// When it claims to have happened, in milliseconds since 1970-01-01 UTC.
    pub claimed_ms: Option<u64>,
    /// What makes a retry recognisable.
    pub idempotency: Option<journal::Idempotency>,
}

/// Computes what makes a retry of `content` under `key` recognisable within `scope`: the sender, or a CloudEvent's source.
#[must_use]
pub fn idempotency(scope: &str, key: &str, content: &[u8]) -> journal::Idempotency {
    let mut hasher = Sha256::new();
    hasher.update((scope.len() as u64).to_be_bytes());
    hasher.update(scope);
    hasher.update(key);
    journal::Idempotency {
        key: hasher.finalize().into(),
        content: Sha256::digest(content).into(),
    }
}

/// Registers a name by which a person is known elsewhere.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddAlias {
    /// The alias, for example `email:alice@example.com`.
    pub alias: Alias,
    /// The person.
    pub person: model::PersonId,
}
