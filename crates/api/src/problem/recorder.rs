//! The one place where the recorder's errors become problems.

use evidence::EvidenceError;
use model::Class;
use model::limits::BATCH_ITEMS_MAX;
use recorder::{RecorderError, UploadError};
use store::bulk::ReceiveError;
use store::{AppendError, ReadError, RecoverError};

use super::{Kind, Problem, chain};

impl From<RecorderError> for Problem {
    fn from(error: RecorderError) -> Self {
        let (place, error) = match error {
            RecorderError::InBatch { at, source } => (Some(at), *source),
            other => (None, other),
        };
        let kind = kind_of(&error);
        let text = text_of(&error);
        let place = place.or(match &error {
            RecorderError::Append(error) => place_of(error),
            _ => None,
        });
        let mut problem = match fixed_phrase(kind) {
            None => Self::new(kind, text),
            // What is inside stays inside: the log has it.
            Some(phrase) => {
                let mut problem = Self::new(kind, phrase);
                problem.cause = Some(text);
                problem
            }
        };
        problem.hint = error.hint();
        problem.at_event(place)
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        RecorderError::from(error).into()
    }
}

/// Says what is wrong in the words of a request: it has events, and no drafts.
fn text_of(error: &RecorderError) -> String {
    match error {
        RecorderError::Append(AppendError::TooManyItems { items, fits }) => {
            format!(
                "the events make `{items}` entries and links, over the limit of {BATCH_ITEMS_MAX}; the first `{fits}` would fit"
            )
        }
        RecorderError::Append(AppendError::KeyReused { .. }) => {
            "the idempotency key was used before with other content".to_owned()
        }
        RecorderError::Append(AppendError::Draft { source, .. }) => chain(source),
        other => chain(other),
    }
}

fn kind_of(error: &RecorderError) -> Kind {
    match error {
        RecorderError::Unauthenticated => Kind::Unauthenticated,
        RecorderError::RoleMissing(_) => Kind::RoleMissing,
        RecorderError::GrantMissing { .. } => Kind::GrantMissing,
        RecorderError::PersonRequired => Kind::PersonRequired,
        RecorderError::Unknown { .. } => Kind::NotFound,
        RecorderError::Exists { .. } => Kind::AlreadyExists,
        RecorderError::Value(_) | RecorderError::Text { .. } => Kind::InvalidValue,
        RecorderError::Invalid(_) => Kind::InvalidRequest,
        RecorderError::Parameters(_) => Kind::ParametersRefused,
        RecorderError::Signature(_) => Kind::SignatureRefused,
        RecorderError::ClaimedAhead { .. } => Kind::ClaimedAhead,
        RecorderError::Evidence(
            EvidenceError::TooLarge { .. } | EvidenceError::NotStreamed { .. },
        ) => Kind::ReportTooLarge,
        RecorderError::Upload(error) => kind_of_upload(error),
        RecorderError::Evidence(_) => Kind::UnreadableEvidence,
        RecorderError::StreamFull { .. } => Kind::StreamFull,
        RecorderError::BatchSize { .. } => Kind::BatchSize,
        RecorderError::InBatch { source, .. } => kind_of(source),
        RecorderError::Ambiguous(_) => Kind::AmbiguousArtifact,
        RecorderError::Publish(error) if error.is_the_authors() => Kind::PolicyRefused,
        RecorderError::Undecided {
            cause: policy::Undecided::ImageMissing,
            ..
        } => Kind::ImageMissing,
        RecorderError::Undecided { .. } => Kind::Undecided,
        RecorderError::Moved => Kind::EvidenceArrived,
        RecorderError::NotInForce { .. } => Kind::NotInForce,
        RecorderError::Append(error) | RecorderError::Recover(RecoverError::Append(error)) => {
            kind_of_append(error)
        }
        RecorderError::Recover(RecoverError::NotNeeded) => Kind::NotReadOnly,
        RecorderError::Recover(RecoverError::Kind) | RecorderError::Encode { .. } => Kind::Internal,
        RecorderError::Recover(RecoverError::Beyond(_)) => Kind::ReadOnly,
        RecorderError::Read(error) => of_class(error.class()),
        RecorderError::History(_) => Kind::Corrupt,
        RecorderError::Publish(_)
        | RecorderError::Unsealed
        | RecorderError::Images(_)
        | RecorderError::Sandbox(_)
        | RecorderError::Recover(RecoverError::Outside(_))
        | RecorderError::Export(_)
        | RecorderError::Entropy => Kind::Unavailable,
    }
}

const fn kind_of_upload(error: &UploadError) -> Kind {
    match error {
        UploadError::Unknown => Kind::UnknownUpload,
        UploadError::Foreign => Kind::ForeignUpload,
        UploadError::Expired => Kind::UploadExpired,
        UploadError::Missing => Kind::UploadMissing,
        UploadError::Differs => Kind::UploadDiffers,
        UploadError::Size { .. } => Kind::UploadSize,
        UploadError::NotAlone => Kind::InvalidRequest,
        UploadError::Receive(error) => match error {
            ReceiveError::Size { .. } | ReceiveError::Digest => Kind::UploadDiffers,
            ReceiveError::Broken(_) => Kind::BodyIncomplete,
            ReceiveError::Elsewhere => Kind::UploadElsewhere,
            ReceiveError::Full => Kind::Full,
            ReceiveError::Unavailable(_) => Kind::Unavailable,
        },
    }
}

const fn kind_of_append(error: &AppendError) -> Kind {
    match error {
        AppendError::TooManyItems { .. } => Kind::BatchTooLarge,
        AppendError::Moved { .. } => Kind::EvidenceArrived,
        AppendError::Contended { .. } => Kind::Contended,
        AppendError::ForeignExpectation { .. } => Kind::Internal,
        AppendError::KeyReused { .. } => Kind::IdempotencyConflict,
        AppendError::Draft { .. } => Kind::EntryRefused,
        AppendError::HeadAhead { .. } | AppendError::ClockDrift { .. } => Kind::WrongClock,
        AppendError::ReadOnly(_) => Kind::ReadOnly,
        AppendError::Full(_) => Kind::Full,
        AppendError::Unavailable(_) => Kind::Unavailable,
        AppendError::Unanswered => Kind::Unanswered,
        AppendError::Corrupt(_) => Kind::Corrupt,
    }
}

const fn place_of(error: &AppendError) -> Option<usize> {
    match error {
        AppendError::Moved { place, .. }
        | AppendError::ForeignExpectation { place, .. }
        | AppendError::KeyReused { place }
        | AppendError::Draft { place, .. }
        | AppendError::HeadAhead { place, .. } => Some(*place),
        _ => None,
    }
}

const fn of_class(class: Class) -> Kind {
    match class {
        Class::Corrupt => Kind::Corrupt,
        Class::Unavailable => Kind::Unavailable,
        _ => Kind::Internal,
    }
}

/// Returns what a client is told where the reason is nothing of its business.
const fn fixed_phrase(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Undecided => "a policy ran into a limit of this machine: this is no verdict",
        Kind::ReadOnly => {
            "nothing can be recorded until an admin has looked at it; `/healthz` says why"
        }
        Kind::WrongClock => "nothing can be recorded until the clock is right",
        Kind::Full => "nothing was recorded: the store is full",
        Kind::Unanswered => "send it again with the same idempotency key: it is not recorded twice",
        Kind::Unavailable => "the recorder could not do it at present",
        Kind::Corrupt => "an operator must look at the journal",
        Kind::Internal => "the program has a defect; the log names it under the request's id",
        _ => return None,
    })
}
