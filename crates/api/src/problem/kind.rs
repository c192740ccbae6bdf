use axum::http::StatusCode;
use model::Class;

/// Declares the kinds of problems: name (for ever), class, status where it is not the class's, and title.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal, $class:ident $($status:ident)?, $title:literal;)*) => {
        /// What sort of problem it is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            /// Every kind.
            #[cfg(test)]
            pub(crate) const ALL: &'static [Self] = &[$(Self::$kind),*];

            /// Returns the name that ends the problem's `type`.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            pub(crate) const fn class(self) -> Class {
                match self { $(Self::$kind => Class::$class,)* }
            }

            /// Returns the title, the same for every problem of the kind.
            pub(crate) const fn title(self) -> &'static str {
                match self { $(Self::$kind => $title,)* }
            }

            pub(crate) fn status(self) -> StatusCode {
                match self { $(Self::$kind => status(Class::$class, None $(.or(Some(StatusCode::$status)))?),)* }
            }
        }
    };
}

fn status(class: Class, own: Option<StatusCode>) -> StatusCode {
    own.unwrap_or_else(|| {
        StatusCode::from_u16(class.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    })
}

kinds! {
    // HTTP's own.
    NoSuchPath = "no-such-path", NotFound, "There is nothing at this path";
    MethodNotAllowed = "method-not-allowed", Caller METHOD_NOT_ALLOWED, "The path does not take this method";
    NotAcceptable = "not-acceptable", Caller NOT_ACCEPTABLE, "The answer has no form that the client accepts";
    UnsupportedMediaType = "unsupported-media-type", Caller UNSUPPORTED_MEDIA_TYPE, "The body is of a media type that is not taken here";
    UnsupportedEncoding = "unsupported-encoding", Caller UNSUPPORTED_MEDIA_TYPE, "Compressed bodies are not taken";
    BodyTooLarge = "body-too-large", Limit, "The body is over its limit";
    BodyTooSlow = "body-too-slow", Limit REQUEST_TIMEOUT, "The body did not arrive in time";
    BodyIncomplete = "body-incomplete", Caller, "The body did not arrive whole";
    AnswerTooLarge = "answer-too-large", Limit, "The answer is over its limit";
    HeadersTooLarge = "headers-too-large", Limit REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are over their limit";
    Overloaded = "overloaded", Unavailable, "The server has as many requests as it takes";
    InvalidPath = "invalid-path", Caller, "A part of the path is not of its form";
    InvalidQuery = "invalid-query", Caller, "A query parameter is not of its form";
    InvalidJson = "invalid-json", Caller, "The body is not JSON as it is taken here";
    InvalidBase64 = "invalid-base64", Caller, "The body is not the base64 that it is said to be";
    UnexpectedForm = "unexpected-form", Caller, "The JSON is not of the expected form";
    InvalidText = "invalid-text", Caller, "The body is not UTF-8 text";
    InvalidCloudEvent = "invalid-cloud-event", Caller, "The CloudEvent is not of its form";
    InvalidIdempotencyKey = "invalid-idempotency-key", Caller, "The idempotency key is not of its form";
    // Who calls.
    Unauthenticated = "unauthenticated", Unauthenticated, "No valid key was given";
    RoleMissing = "role-missing", Denied, "The key has no role that may do this";
    GrantMissing = "grant-missing", Denied, "The key has no grant for this flow and kind";
    PersonRequired = "person-required", Denied, "Only a person can do this";
    // What was asked.
    NotFound = "not-found", NotFound, "What was named does not exist";
    AlreadyExists = "already-exists", Conflict, "What was named exists already";
    InvalidValue = "invalid-value", Caller, "A value is not of its form";
    InvalidRequest = "invalid-request", Caller, "The request cannot be carried out as it is";
    ClaimedAhead = "claimed-ahead", Caller, "The claimed time lies in the future";
    UnreadableEvidence = "unreadable-evidence", Caller, "The evidence cannot be read";
    ReportTooLarge = "report-too-large", Limit, "The report is over its limit";
    UnknownUpload = "unknown-upload", Caller, "The upload is none that was announced here";
    ForeignUpload = "foreign-upload", Denied, "The upload was announced by another key or for another flow";
    UploadExpired = "upload-expired", Caller GONE, "The upload was announced too long ago";
    UploadMissing = "upload-missing", Conflict, "Nothing has arrived for the upload";
    UploadDiffers = "upload-differs", Caller, "What arrived is not what was announced";
    UploadSize = "upload-size", Limit, "An upload of this size is not taken";
    UploadElsewhere = "upload-elsewhere", NotFound, "Uploads are sent to another address";
    AmbiguousArtifact = "ambiguous-artifact", Caller, "The artifact was recorded on several trails";
    PolicyRefused = "policy-refused", Caller, "The policy cannot be published";
    ParametersRefused = "parameters-refused", Caller, "The parameters do not fit the policy's schema, or the schema is none";
    SignatureRefused = "signature-refused", Caller, "The signature is none of the policy";
    EntryRefused = "entry-refused", Caller, "What was sent does not make an entry";
    // Limits of the journal.
    BatchSize = "batch-size", Limit, "A request has too few or too many events";
    BatchTooLarge = "batch-too-large", Limit, "The events have more entries and links than one append takes";
    StreamFull = "stream-full", Limit, "The artifact or trail is full of evidence";
    // Somebody else was first.
    IdempotencyConflict = "idempotency-conflict", Conflict, "The idempotency key was used with other content";
    EvidenceArrived = "evidence-arrived", Conflict, "Evidence kept arriving meanwhile";
    NotInForce = "not-in-force", Conflict, "What was named does not count for decisions yet";
    Contended = "contended", Conflict, "Others wrote to the same streams, each time";
    NotReadOnly = "not-read-only", Caller, "There is nothing to recover from";
    // What may work later.
    Undecided = "undecided", Unavailable, "A policy could not be evaluated";
    ImageMissing = "image-missing", Unavailable, "A policy is not compiled for this host";
    ReadOnly = "read-only", Unavailable, "The journal takes no writes";
    WrongClock = "wrong-clock", Unavailable, "The recorder's clock is not right, so nothing is recorded";
    Full = "full", Unavailable, "There is no room for more";
    Unanswered = "unanswered", Unavailable, "It is not known whether it was recorded";
    Unavailable = "unavailable", Unavailable, "It cannot be done at present";
    // What a person must look at.
    Corrupt = "corrupt", Corrupt, "What is stored is not what was stored";
    Internal = "internal", Bug, "The program failed";
}
