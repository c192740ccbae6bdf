//! What SQLite's errors mean to a caller.

use rusqlite::{Error, ErrorCode, ffi};

use crate::{AppendError, OpenError, ReadError};

impl From<Error> for ReadError {
    fn from(error: Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Self::Corrupt("SQLite finds its file damaged")
            }
            _ => Self::Unavailable(error.into()),
        }
    }
}

impl From<Error> for OpenError {
    fn from(error: Error) -> Self {
        ReadError::from(error).into()
    }
}

/// Sorts a failed transaction.
///
/// A failed write leaves the transaction's last frame unwritten, so nothing of it is ever found again. Only a failed
/// sync leaves open what reached the disk.
pub(super) fn append_error(error: Error) -> AppendError {
    let unconfirmed = [
        ffi::SQLITE_IOERR_FSYNC,
        ffi::SQLITE_IOERR_DIR_FSYNC,
        ffi::SQLITE_IOERR_CLOSE,
    ];
    let extended = error.sqlite_error().map(|cause| cause.extended_code);
    if extended.is_some_and(|code| unconfirmed.contains(&code)) {
        return AppendError::Unanswered;
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => AppendError::Full(error.into()),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            AppendError::Corrupt("SQLite finds its file damaged")
        }
        _ => AppendError::Unavailable(error.into()),
    }
}
