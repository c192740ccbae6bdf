use crate::upload::UploadError;
use evidence::EvidenceError;
use model::kind::AccessRole;
use model::{Class, EntryError, EntryHash, Fingerprint, Name, ParseError, StreamName};
use store::{AppendError, ReadError, RecoverError};

/// Entries that do not say what their kinds say.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// An entry's fields are not of its kind's form.
    #[error("entry `{entry}` cannot be read")]
    Entry {
        /// The entry.
        entry: EntryHash,
        /// What is wrong.
        #[source]
        source: EntryError,
    },
    /// The first entry is not a genesis.
    #[error("the journal does not begin with a genesis entry")]
    Genesis {
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// A payload's bytes are not what its schema says.
    #[error("a payload of entry `{entry}` cannot be read")]
    Payload {
        /// The entry.
        entry: EntryHash,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// A payload that cannot be erased is not there.
    #[error("a payload of entry `{entry}` is missing")]
    PayloadMissing {
        /// The entry.
        entry: EntryHash,
    },
    /// A stream that something rests on is not there, or not as far.
    #[error("stream `{stream}` is not there up to entry `{entries}`")]
    StreamMissing {
        /// The stream.
        stream: StreamName,
        /// How many entries are needed.
        entries: u64,
    },
}

/// Why a use case was not carried out. Nothing was recorded, unless the text says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    /// No key, a wrong key, an expired or revoked key.
    #[error("no valid key was given")]
    Unauthenticated,
    /// The key lacks a role.
    #[error("the key has no role that may do this; it takes `{}`", role_name(*.0))]
    RoleMissing(AccessRole),
    /// The key has no grant for the flow and kind.
    #[error("the key has no grant to record `{kind}` for flow `{flow}`")]
    GrantMissing {
        /// The flow.
        flow: Name,
        /// The kind of entry.
        kind: &'static str,
    },
    /// Something only a person may do.
    #[error("only a person can do this, and the key speaks for none")]
    PersonRequired,
    /// Something is not there.
    #[error("{what} `{name}` does not exist")]
    Unknown {
        /// What sort of thing.
        what: &'static str,
        /// What was asked for.
        name: String,
    },
    /// It is defined, and does not count for decisions yet.
    #[error("{what} `{name}` is in force from `{from}` on")]
    NotInForce {
        /// What sort of thing.
        what: &'static str,
        /// Its name.
        name: Name,
        /// From when on, RFC 3339.
        from: String,
    },
    /// Something is there already.
    #[error("{what} `{name}` exists already")]
    Exists {
        /// What sort of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// A value is not of its form.
    #[error(transparent)]
    Value(#[from] ParseError),
    /// A part of the request is not as it must be.
    #[error("{0}")]
    Invalid(String),
    /// Text is too long or holds control characters.
    #[error("`{what}` must have at most {maximum} bytes and no control characters")]
    Text {
        /// The field.
        what: &'static str,
        /// The most bytes.
        maximum: usize,
    },
    /// A claimed time lies in the future.
    #[error(
        "the claimed time is `{ahead_ms}` ms ahead of this recorder's, over the limit of 300000"
    )]
    ClaimedAhead {
        /// How far.
        ahead_ms: u64,
    },
    /// A report cannot be read.
    #[error("the evidence cannot be read")]
    Evidence(#[from] EvidenceError),
    /// An upload was not taken or not recorded.
    #[error(transparent)]
    Upload(#[from] UploadError),
    /// A stream is full.
    #[error("stream `{stream}` has `{entries}` entries, the limit for attestations")]
    StreamFull {
        /// The stream.
        stream: StreamName,
        /// How many.
        entries: u64,
    },
    /// A batch is empty or too large.
    #[error("a batch has 1 to {maximum} events, not `{found}`")]
    BatchSize {
        /// The most.
        maximum: usize,
        /// How many came.
        found: usize,
    },
    /// One event of a batch is wrong, so none was recorded.
    #[error("event `{at}` of the batch cannot be recorded")]
    InBatch {
        /// Its place, from 0.
        at: usize,
        /// What is wrong with it.
        #[source]
        source: Box<RecorderError>,
    },
    /// The artifact was recorded on several trails and none was named.
    #[error("artifact `{0}` was recorded on several trails")]
    Ambiguous(Fingerprint),
    /// A policy cannot be published.
    #[error("the policy cannot be published")]
    Publish(#[from] policy::PublishError),
    /// Parameters do not fit, or their schema is none.
    #[error(transparent)]
    Parameters(#[from] crate::parameters::ParametersError),
    /// A signature is none of the policy.
    #[error("the signature is not taken")]
    Signature(#[from] crate::signature::SignatureError),
    /// The sandbox cannot run.
    #[error("the policy sandbox cannot run")]
    Sandbox(#[from] policy::SandboxError),
    /// A policy could not be evaluated, and would perhaps another time.
    #[error("policy `{policy}` was not decided: {cause}")]
    Undecided {
        /// The policy.
        policy: Name,
        /// Why.
        cause: policy::Undecided,
    },
    /// The place where images are kept did not answer.
    #[error("could not reach the images of policies")]
    Images(#[source] store::Cause),
    /// Evidence kept arriving while a decision was made.
    #[error("evidence kept arriving while the decision was made")]
    Moved,
    /// An entry that is asked for is not sealed.
    #[error("an entry is not sealed yet")]
    Unsealed,
    /// The store did not append.
    #[error("could not append to the journal")]
    Append(#[from] AppendError),
    /// The store did not become writable again.
    #[error("could not recover the journal")]
    Recover(#[from] RecoverError),
    /// The store did not answer.
    #[error("could not read the journal")]
    Read(#[from] ReadError),
    /// What is stored cannot be understood.
    #[error("could not understand the journal")]
    History(#[from] HistoryError),
    /// Something of ours has no encoding: a defect of this program.
    #[error("could not encode `{what}`")]
    Encode {
        /// What.
        what: &'static str,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// An export could not be written.
    #[error("could not write the bundle")]
    Export(#[source] std::io::Error),
    /// No randomness is to be had.
    #[error("the system gives no random bytes")]
    Entropy,
}

impl RecorderError {
    /// Returns the class that front ends decide by.
    #[must_use]
    pub fn class(&self) -> Class {
        match self {
            Self::Unauthenticated => Class::Unauthenticated,
            Self::RoleMissing(_) | Self::GrantMissing { .. } | Self::PersonRequired => {
                Class::Denied
            }
            Self::Unknown { .. } => Class::NotFound,
            Self::Exists { .. } | Self::Moved | Self::NotInForce { .. } => Class::Conflict,
            Self::Value(_)
            | Self::Invalid(_)
            | Self::Parameters(_)
            | Self::Signature(_)
            | Self::Text { .. }
            | Self::ClaimedAhead { .. }
            | Self::Evidence(_)
            | Self::Ambiguous(_) => Class::Caller,
            Self::Publish(error) if error.is_the_authors() => Class::Caller,
            Self::Publish(_) | Self::Unsealed => Class::Unavailable,
            Self::StreamFull { .. } | Self::BatchSize { .. } => Class::Limit,
            Self::InBatch { source, .. } => source.class(),
            Self::Undecided { .. }
            | Self::Images(_)
            | Self::Sandbox(_)
            | Self::Entropy
            | Self::Export(_) => Class::Unavailable,
            Self::Upload(error) => error.class(),
            Self::Append(error) => error.class(),
            Self::Recover(error) => error.class(),
            Self::Read(error) => error.class(),
            Self::History(_) => Class::Corrupt,
            Self::Encode { .. } => Class::Bug,
        }
    }

    /// Returns what the caller can do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Unauthenticated => {
                "send `Authorization: Bearer KEY` with a key that is neither expired nor revoked"
            }
            Self::RoleMissing(_) | Self::GrantMissing { .. } => {
                "ask an admin for a key that may: `trailmark key add`"
            }
            Self::PersonRequired => "use a key that was added for a person",
            Self::Unknown { what: "flow", .. } => "create it first: `trailmark flow create`",
            Self::Unknown { what: "trail", .. } => "begin it first: `trailmark trail begin`",
            Self::Unknown {
                what: "environment",
                ..
            } => "create it first: `trailmark env create`",
            Self::Unknown {
                what: "artifact", ..
            } => "record it first: `trailmark artifact record`",
            Self::NotInForce { .. } => "try again then",
            Self::Ambiguous(_) => "name the flow and the trail",
            Self::ClaimedAhead { .. } => "set the sender's clock",
            Self::Undecided {
                cause: policy::Undecided::ImageMissing,
                ..
            } => policy::PublishError::ImageMissing.hint(),
            Self::Moved | Self::Undecided { .. } => "try again",
            Self::Unsealed => "try again in a minute",
            Self::Upload(UploadError::Expired | UploadError::Unknown | UploadError::Foreign) => {
                "announce it again: `POST /v1/uploads`"
            }
            Self::Upload(UploadError::Missing) => {
                "send it to the address that its announcement was answered with"
            }
            Self::Evidence(error) => return error.hint().map(str::to_owned),
            Self::Parameters(crate::parameters::ParametersError::Unfit { .. }) => {
                "`trailmark policy show` shows what the policy's parameters may be"
            }
            Self::Publish(error) => error.hint(),
            Self::Signature(error) => error.hint(),
            Self::InBatch { source, .. } => return source.hint(),
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

const fn role_name(role: AccessRole) -> &'static str {
    match role {
        AccessRole::Admin => "admin",
        AccessRole::Approver => "approver",
        AccessRole::Auditor => "auditor",
        AccessRole::PolicyAuthor => "policy-author",
        AccessRole::Reader => "reader",
        AccessRole::Reporter => "reporter",
        AccessRole::Snapshotter => "snapshotter",
    }
}
