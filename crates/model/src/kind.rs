//! The kinds of entries that are about delivery, and the fields of each.
//!
//! A kind's fields are canonical JSON in the header. A verifier checks entries of kinds that it does not know all the
//! same; a decision never rests on one. The journal's own kinds (`genesis`, `heads` …) are the journal crate's.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::dossier::{Outcome, Requirement, SubjectKind};
use crate::{
    CommitId, EntryError, EntryHash, Fingerprint, Header, KeyId, Name, PersonId, Root, StreamName,
    canonical,
};

/// The fields of one kind of entry.
pub trait Fields: Serialize + DeserializeOwned {
    /// The kind's name.
    const KIND: &'static str;

    /// Encodes the fields as a header holds them.
    ///
    /// # Errors
    /// When they have no JSON form.
    fn encode(&self) -> Result<Box<RawValue>, serde_json::Error> {
        let bytes = canonical::to_vec(self)?;
        let text = String::from_utf8(bytes).map_err(serde::ser::Error::custom)?;
        RawValue::from_string(text)
    }

    /// Returns the kind as a name.
    ///
    /// # Errors
    /// Never, for the kinds of this module.
    fn kind() -> Result<Name, crate::ParseError> {
        Self::KIND.parse()
    }
}

/// Defines the kinds, and [`Body`] over them.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:literal $name:ident { $($(#[$field_doc:meta])* $field:ident : $type:ty),* $(,)? })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
            #[serde(deny_unknown_fields)]
            pub struct $name {
                $($(#[$field_doc])* pub $field: $type,)*
            }

            impl Fields for $name {
                const KIND: &'static str = $kind;
            }
        )*

        /// What an entry says, by its kind.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Body {
            $($(#[$doc])* $name($name),)*
            /// A kind that this module does not know.
            Unknown,
        }

        impl Body {
            /// Reads the fields of an entry.
            ///
            /// # Errors
            /// When they are not of the kind's form.
            pub fn parse(header: &Header) -> Result<Self, EntryError> {
                let wrong = |source| EntryError::Fields { kind: header.kind.to_string(), source };
                match header.kind.as_str() {
                    $($kind => serde_json::from_str(header.fields.get()).map(Self::$name).map_err(wrong),)*
                    _ => Ok(Self::Unknown),
                }
            }
        }
    };
}

kinds! {
    /// An API key exists from here on. Only a hash of its secret is recorded.
    "key-added" KeyAdded {
        /// When it ends, in milliseconds since 1970-01-01 UTC.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_ms: Option<u64>,
        /// For which flows and kinds it may record.
        grants: Vec<Grant>,
        /// Its id.
        key: KeyId,
        /// What it is called.
        name: Name,
        /// The person it speaks for, where genesis says `people by key`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        person: Option<PersonId>,
        /// What it may do.
        roles: Vec<AccessRole>,
        /// SHA-256 of the secret.
        secret_sha256: Root,
    }

    /// An API key ends here.
    "key-revoked" KeyRevoked {
        /// The key.
        key: KeyId,
        /// Why.
        reason: String,
    }

    /// A person is registered. Their name is in the `people` payload.
    "person-added" PersonAdded {
        /// The person.
        person: PersonId,
    }

    /// A name by which a person is known elsewhere. The name itself is in the `people` payload.
    "alias-added" AliasAdded {
        /// HMAC-SHA256 of the alias under the journal's alias key.
        alias: Root,
        /// The person.
        person: PersonId,
    }

    /// A flow is created, or its template changes.
    "flow-defined" FlowDefined {
        /// What it is for.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        description: String,
        /// The flow.
        flow: Name,
        /// What must be attested.
        required: Vec<Requirement>,
    }

    /// An environment is created, or its description changes.
    "environment-defined" EnvironmentDefined {
        /// What it is for.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        description: String,
        /// The environment.
        environment: Name,
    }

    /// An engine that runs policies given as source. Its component is the `rule` payload.
    "engine-published" EnginePublished {
        /// SHA-256 of the component.
        digest: Root,
        /// The language it runs.
        language: Language,
    }

    /// A policy is published. Its source or component is the first `rule` payload; others are told apart by media type:
    /// its parameters' JSON schema (`application/schema+json`), its cases (`application/yaml`), and what became of its
    /// author's check (`application/json` of schema `policy-check.v1`).
    "policy-published" PolicyPublished {
        /// SHA-256 of its cases, where it has some.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cases: Option<Root>,
        /// SHA-256 of what became of its author's check; absent where it is unchecked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        checked: Option<Root>,
        /// SHA-256 of the source or component.
        digest: Root,
        /// For a source: the entry of the engine that runs it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        engine: Option<EntryHash>,
        /// What it is written in.
        language: Language,
        /// SHA-256 of its parameters' schema, where it has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parameters: Option<Root>,
        /// What it is called.
        policy: Name,
    }

    /// Somebody signed a policy. Their bundle is the `rule` payload; it is checked whenever it is to count. It is about every
    /// publication with these fields, before or after it.
    "policy-signed" PolicySigned {
        /// SHA-256 of the source or component.
        digest: Root,
        /// What it is written in.
        language: Language,
        /// SHA-256 of its parameters' schema, where it has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parameters: Option<Root>,
        /// What it is called.
        policy: Name,
    }

    /// From here on a policy runs only where one of these keys signed it; where no list is given, any policy runs.
    "policy-keys-trusted" PolicyKeysTrusted {
        /// The keys; with none in the list nothing runs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        keys: Option<Vec<TrustedKey>>,
        /// Why.
        reason: String,
    }

    /// A policy is put in force.
    "policy-bound" PolicyBound {
        /// Whether it only reports, and denies nothing.
        advisory: bool,
        /// From when on, in milliseconds since 1970-01-01 UTC.
        from_ms: u64,
        /// Its parameters, a JSON object without floats.
        parameters: Value,
        /// The entry that published it.
        policy: EntryHash,
        /// Where it is in force.
        scope: Scope,
    }

    /// A policy is taken out of force.
    "policy-unbound" PolicyUnbound {
        /// The entry that bound it.
        binding: EntryHash,
        /// Why.
        reason: String,
    }

    /// A person takes responsibility for artifacts that a policy in force denies.
    "exception-granted" ExceptionGranted {
        /// The entry that bound the policy.
        binding: EntryHash,
        /// The one control that is excepted; absent where it is the whole policy.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        control: Option<Name>,
        /// Where the artifact is to run.
        environment: Name,
        /// When the exception ends, in milliseconds since 1970-01-01 UTC.
        expires_ms: u64,
        /// Why.
        reason: String,
        /// For what it is.
        scope: ExceptionScope,
    }

    /// An exception is taken back.
    "exception-withdrawn" ExceptionWithdrawn {
        /// The entry that granted it.
        exception: EntryHash,
        /// Why.
        reason: String,
    }

    /// A second person puts a binding, an unbinding, an exception or a list of trusted keys in force.
    "endorsed" Endorsed {
        /// The entry that takes effect.
        entry: EntryHash,
    }

    /// From here on several recorders share the journal: a decision is judged by the definitions that were recorded so
    /// long before it was asked for, and by no later ones. The first such entry stands.
    "journal-shared" JournalShared {
        /// How long, in milliseconds.
        in_force_after_ms: u64,
    }

    /// A run of a flow begins.
    "trail-begun" TrailBegun {
        /// Where its build can be looked at.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        build_url: Option<String>,
        /// The commit it is about.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commit: Option<CommitId>,
        /// The flow.
        flow: Name,
        /// The repository of the commit.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repository: Option<String>,
        /// The trail.
        trail: Name,
    }

    /// An artifact was built. Its provenance is the `facts` payload, `provenance.v1`.
    "artifact-recorded" ArtifactRecorded {
        /// The commit it was built from.
        commit: CommitId,
        /// Its identity.
        fingerprint: Fingerprint,
        /// The flow it was built in.
        flow: Name,
        /// What it is called.
        name: String,
        /// The trail it was built in.
        trail: Name,
    }

    /// A typed statement of evidence. What was read from the report is the `facts` payload.
    "attestation" Attested {
        /// The artifact, where it is about one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        fingerprint: Option<Fingerprint>,
        /// The flow it is recorded for.
        flow: Name,
        /// What its reporter calls it.
        name: Name,
        /// What it says in one word.
        outcome: Outcome,
        /// About what it is.
        subject: SubjectKind,
        /// The trail.
        trail: Name,
        /// The type of evidence.
        #[serde(rename = "type")]
        attestation_type: Name,
    }

    /// Somebody is asked to approve an artifact for an environment.
    "approval-requested" ApprovalRequested {
        /// Where it is to run.
        environment: Name,
        /// The artifact.
        fingerprint: Fingerprint,
        /// Its flow.
        flow: Name,
        /// Its trail.
        trail: Name,
    }

    /// A person takes responsibility for a change in an environment.
    "approval-given" ApprovalGiven {
        /// SHA-256 over the canonical bytes of the change that is approved.
        change: Root,
        /// Where it is to run.
        environment: Name,
        /// When the approval ends.
        expires_ms: u64,
        /// The artifact.
        fingerprint: Fingerprint,
        /// Its flow.
        flow: Name,
        /// Who approves.
        person: PersonId,
        /// Its trail.
        trail: Name,
    }

    /// An approval is taken back.
    "approval-withdrawn" ApprovalWithdrawn {
        /// The entry that gave it.
        approval: EntryHash,
        /// The artifact.
        fingerprint: Fingerprint,
        /// Its flow.
        flow: Name,
        /// Its trail.
        trail: Name,
    }

    /// The verdict of the policies in force. Everything needed to replay it is the `rule` payload, `decision.v1`.
    "decision" Decided {
        /// The verdict.
        verdict: Verdict,
        /// Where it is to run.
        environment: Name,
        /// How many exceptions it was allowed by; which, is in the payload.
        #[serde(default, skip_serializing_if = "is_zero")]
        exceptions: u64,
        /// The artifact.
        fingerprint: Fingerprint,
        /// Its flow.
        flow: Name,
        /// The time it is made for.
        now_ms: u64,
        /// Whether the journal lets one person bind policies.
        solo: bool,
        /// Its trail.
        trail: Name,
    }

    /// What policies would say. It never allows anything.
    "trial" Tried {
        /// Where it would run, where that was said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        environment: Option<Name>,
        /// The artifact.
        fingerprint: Fingerprint,
        /// Its flow.
        flow: Name,
        /// The time it is made for.
        now_ms: u64,
        /// Its trail.
        trail: Name,
        /// What the verdict would be.
        verdict: Verdict,
    }

    /// Somebody says that they put an artifact into an environment.
    "deployment-reported" DeploymentReported {
        /// Where its log can be looked at.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        build_url: Option<String>,
        /// The decision that allowed it, where one is named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        decision: Option<EntryHash>,
        /// The environment.
        environment: Name,
        /// The artifact.
        fingerprint: Fingerprint,
        /// The flow it is deployed by.
        flow: Name,
        /// What it is called.
        name: String,
    }

    /// What was observed in an environment. The list is the `facts` payload, `snapshot.v1`.
    "snapshot-taken" SnapshotTaken {
        /// How many artifacts run.
        artifacts: u64,
        /// The environment.
        environment: Name,
        /// The snapshot that it equals, which then holds the list.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        same_as: Option<EntryHash>,
    }

    /// An artifact started or stopped to be seen in an environment.
    "sighting" Sighted {
        /// What changed.
        change: SightingChange,
        /// The environment.
        environment: Name,
        /// The artifact.
        fingerprint: Fingerprint,
        /// The snapshot in which it was noticed.
        snapshot: EntryHash,
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccessRole {
    /// Keys, people, flows, environments, recovery.
    Admin,
    /// Approvals.
    Approver,
    /// Everything, to read, with the payloads of people.
    Auditor,
    /// Policies and bindings.
    PolicyAuthor,
    /// Everything, to read.
    Reader,
    /// Trails, artifacts, attestations, decisions, deployments.
    Reporter,
    /// Snapshots.
    Snapshotter,
}

/// A public key whose signature lets a policy run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustedKey {
    /// When it ends to count, in milliseconds since 1970-01-01 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<u64>,
    /// Its `SubjectPublicKeyInfo` (RFC 5280), DER in base64.
    pub key: String,
}

/// For which flows and kinds a key may record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// A flow, or `*` for every flow.
    pub flow: FlowPattern,
    /// The kinds of entries; none means every kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<Name>,
}

/// One flow or every flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlowPattern {
    /// Every flow, written `*`.
    Every,
    /// This flow.
    One(Name),
}

impl Serialize for FlowPattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Every => "*",
            Self::One(name) => name.as_str(),
        })
    }
}

impl<'de> Deserialize<'de> for FlowPattern {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::name::deserialize_parsed(deserializer)
    }
}

impl std::str::FromStr for FlowPattern {
    type Err = crate::ParseError;

    fn from_str(text: &str) -> Result<Self, crate::ParseError> {
        if text == "*" {
            Ok(Self::Every)
        } else {
            text.parse().map(Self::One)
        }
    }
}

/// What a policy is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Language {
    /// A WebAssembly component of the world `policy`.
    Component,
    /// Rego source.
    Rego,
}

/// Where a policy is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Everywhere.
    Everything,
    /// For releases into an environment.
    Environment(Name),
    /// For the artifacts of a flow.
    Flow(Name),
}

/// For what an exception is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExceptionScope {
    /// One artifact.
    Artifact(Fingerprint),
    /// The artifacts of a flow.
    Flow(Name),
}

/// What a decision says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every policy in force allows.
    Allowed,
    /// At least one does not, or could not say.
    Denied,
}

/// What a sighting says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SightingChange {
    /// It runs now and did not before.
    Started,
    /// It ran before and does not now.
    Stopped,
}

/// An entry's place, as a position lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// How many entries of the stream were seen.
    pub entries: u64,
    /// The stream.
    pub stream: StreamName,
}
