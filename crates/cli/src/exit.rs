use std::process::ExitCode;

use model::Class;

/// How a command ends. The numbers are part of what scripts rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It was done, or what was asked is allowed.
    Done,
    /// It could not be done.
    Failed,
    /// It was asked for in a wrong way.
    Usage,
    /// A decision says no.
    Denied,
    /// What was to be verified is wrong.
    Unverified,
}

impl Exit {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Denied => 3,
            Self::Unverified => 4,
        }
    }

    /// Takes over the exit code of a class of errors.
    pub(crate) const fn of(class: Class) -> Self {
        match class.exit_code() {
            2 => Self::Usage,
            4 => Self::Unverified,
            _ => Self::Failed,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
