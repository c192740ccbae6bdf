use crate::generic::GenericError;
use crate::junit::JunitError;
use crate::limits::REPORT_BYTES_MAX;
use crate::provenance::ProvenanceError;
use crate::pull_request::PullRequestError;
use crate::sarif::SarifError;
use crate::strict_json::JsonError;

/// A report from which no facts could be read.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// No reader is registered for the type.
    #[error("`{found}` is not a known type of evidence; known are {known}")]
    UnknownType {
        /// The type as it came.
        found: String,
        /// The types that are known.
        known: String,
    },
    /// The report is over its limit.
    #[error("the report has `{bytes}` bytes, over the limit of {maximum}")]
    TooLarge {
        /// How many bytes it has.
        bytes: usize,
        /// How many it may have.
        maximum: usize,
    },
    /// The report is over its limit, and its type's reader takes no larger one.
    #[error(
        "a report of type `{name}` has `{bytes}` bytes, over its limit of {REPORT_BYTES_MAX}; only {streamed} may have more"
    )]
    NotStreamed {
        /// The type.
        name: &'static str,
        /// How many bytes it has.
        bytes: u64,
        /// The types that may have more.
        streamed: String,
    },
    /// What was read from the report is too much for a dossier.
    #[error("the facts of the report have `{bytes}` bytes, over the limit of {maximum}")]
    FactsTooLarge {
        /// How many bytes they have.
        bytes: usize,
        /// How many they may have.
        maximum: usize,
    },
    /// The report is not the JSON it should be.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The report is not a JUnit report that can be trusted.
    #[error(transparent)]
    Junit(#[from] JunitError),
    /// The report is not a SARIF report that can be trusted.
    #[error(transparent)]
    Sarif(#[from] SarifError),
    /// The report is not a pull request's.
    #[error(transparent)]
    PullRequest(#[from] PullRequestError),
    /// The report is not a generic one.
    #[error(transparent)]
    Generic(#[from] GenericError),
    /// The provenance contradicts itself.
    #[error(transparent)]
    Provenance(#[from] ProvenanceError),
    /// The report broke off while it was read.
    #[error("the report broke off while it was read")]
    Unreadable(#[source] std::io::Error),
    /// The facts have no encoding: a defect of this program.
    #[error("the facts could not be encoded")]
    Encode(#[source] serde_json::Error),
    /// A schema's id is not a name: a defect of this program.
    #[error("the schema's id is not a name")]
    Schema(#[source] model::ParseError),
}

impl EvidenceError {
    /// Returns what the sender can do about it, where that is not plain from the error.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Junit(error) => error.hint(),
            Self::Generic(error) => error.hint(),
            Self::TooLarge { maximum, .. } if *maximum == REPORT_BYTES_MAX => Some(
                "send it apart, by `POST /v1/uploads`, as `trailmark attest` does: of the types that are read as they come",
            ),
            Self::UnknownType { .. } => {
                Some("evidence of any other kind can be recorded as `generic`")
            }
            _ => None,
        }
    }
}
