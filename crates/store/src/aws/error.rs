//! What can go wrong with a call, found out in one place: whether it was done, who may try again, and what to mend.

use std::error::Error;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use crate::error::Cause;
use crate::{AppendError, ReadError};

/// A call to a service failed: which one, on what, and why.
#[derive(Debug, thiserror::Error)]
#[error("`{action}` on `{resource}` {reason}")]
pub struct CallError {
    /// The call, as permissions name it.
    pub action: &'static str,
    /// The table, or the bucket and object.
    pub resource: String,
    /// Why it failed.
    pub reason: Reason,
    #[source]
    source: Option<Cause>,
}

/// Why a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The role does not have the permission.
    Denied,
    /// There is no such table or bucket in this region.
    Absent,
    /// The table has other keys: another application's.
    OtherKeys,
    /// There are no credentials, or they are expired or wrong.
    Credentials,
    /// Too much was asked for at once.
    Throttled,
    /// There was no answer, or none that says whether it was done.
    Unanswered,
    /// The service does not take the request.
    Refused,
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Denied => "is not permitted",
            Self::Absent => "found no such thing in this region",
            Self::OtherKeys => "found a table with other keys: another application's",
            Self::Credentials => "was sent without valid credentials",
            Self::Throttled => "was throttled",
            Self::Unanswered => "was not answered",
            Self::Refused => "was refused",
        })
    }
}

impl CallError {
    /// Tells what happened from what the client says.
    pub(super) fn of<E>(
        action: &'static str,
        resource: impl Into<String>,
        error: SdkError<E, HttpResponse>,
    ) -> Self
    where
        E: ProvideErrorMetadata + Error + Send + Sync + 'static,
    {
        Self {
            action,
            resource: resource.into(),
            reason: reason(&error),
            source: Some(Box::new(error)),
        }
    }

    /// Makes one of a call that the service answered in a way that its client takes for success.
    pub(super) fn because(
        action: &'static str,
        resource: impl Into<String>,
        reason: Reason,
    ) -> Self {
        Self {
            action,
            resource: resource.into(),
            reason,
            source: None,
        }
    }

    /// Says the same of another reason, which only the caller can know.
    pub(super) fn with_reason(self, reason: Reason) -> Self {
        Self { reason, ..self }
    }
}

impl From<CallError> for ReadError {
    fn from(error: CallError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

impl From<CallError> for AppendError {
    /// Of a call that is no write, or one that was certainly not done.
    fn from(error: CallError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

fn reason<E>(error: &SdkError<E, HttpResponse>) -> Reason
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    match error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            by_code(answer.err().code()).unwrap_or_else(|| by_status(status))
        }
        _ if lacks_credentials(error) => Reason::Credentials,
        // Not sent: the request cannot be built, so asking again is of no use.
        SdkError::ConstructionFailure(_) => Reason::Refused,
        _ => Reason::Unanswered,
    }
}

fn by_code(code: Option<&str>) -> Option<Reason> {
    let reason = match code? {
        "AccessDenied" | "AccessDeniedException" | "AllAccessDisabled" => Reason::Denied,
        "ResourceNotFoundException" | "NoSuchBucket" => Reason::Absent,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "IncompleteSignatureException"
        | "InvalidAccessKeyId"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "InvalidToken"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "RequestExpired"
        | "RequestTimeTooSkewed"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException" => Reason::Credentials,
        "LimitExceededException"
        | "ProvisionedThroughputExceededException"
        | "RequestLimitExceeded"
        | "SlowDown"
        | "Throttling"
        | "ThrottlingException"
        | "TooManyRequestsException"
        | "TransactionInProgressException" => Reason::Throttled,
        "RequestTimeout" | "RequestTimeoutException" => Reason::Unanswered,
        _ => return None,
    };
    Some(reason)
}

fn by_status(status: u16) -> Reason {
    match status {
        403 => Reason::Denied,
        404 => Reason::Absent,
        429 => Reason::Throttled,
        400..500 => Reason::Refused,
        _ => Reason::Unanswered,
    }
}

fn lacks_credentials(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(one) = next {
        if one.is::<CredentialsError>() {
            return true;
        }
        next = one.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_what_was_tried_on_what() {
        let error = CallError::because("dynamodb:Query", "journals", Reason::Denied);
        assert_eq!(
            error.to_string(),
            "`dynamodb:Query` on `journals` is not permitted"
        );
    }

    #[test]
    fn only_an_answer_that_says_no_is_one() {
        for (code, expected) in [
            ("AccessDeniedException", Some(Reason::Denied)),
            ("ExpiredToken", Some(Reason::Credentials)),
            ("SlowDown", Some(Reason::Throttled)),
            ("InternalServerError", None),
        ] {
            assert_eq!(by_code(Some(code)), expected, "{code}");
        }
        assert_eq!(by_status(500), Reason::Unanswered);
        assert_eq!(by_status(503), Reason::Unanswered);
        assert_eq!(by_status(400), Reason::Refused);
    }
}
