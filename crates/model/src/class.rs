use serde::{Deserialize, Serialize};

/// What sort of failure an error is: the one thing that front ends decide by.
///
/// HTTP status, exit code, whether to try again, and the metric label all follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// What was asked cannot be done as it was asked.
    Caller,
    /// What was asked for is not there.
    NotFound,
    /// Nobody is known to have asked.
    Unauthenticated,
    /// Who asked may not.
    Denied,
    /// Something else happened first.
    Conflict,
    /// A named limit is reached.
    Limit,
    /// It may work later.
    Unavailable,
    /// What is stored is not what was stored.
    Corrupt,
    /// This program is wrong.
    Bug,
}

impl Class {
    /// Returns the stable name, as metrics and problem types use it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::NotFound => "not-found",
            Self::Unauthenticated => "unauthenticated",
            Self::Denied => "denied",
            Self::Conflict => "conflict",
            Self::Limit => "limit",
            Self::Unavailable => "unavailable",
            Self::Corrupt => "corrupt",
            Self::Bug => "bug",
        }
    }

    /// Returns the HTTP status (RFC 9110).
    #[must_use]
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Caller => 400,
            Self::Unauthenticated => 401,
            Self::Denied => 403,
            Self::NotFound => 404,
            Self::Conflict => 409,
            Self::Limit => 413,
            Self::Corrupt | Self::Bug => 500,
            Self::Unavailable => 503,
        }
    }

    /// Returns the exit code of the command line.
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Caller => 2,
            Self::Corrupt => 4,
            _ => 1,
        }
    }

    /// Says whether the same request may succeed later, unchanged.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::Conflict | Self::Unavailable)
    }
}
