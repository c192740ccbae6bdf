use std::fmt;
use std::fs::{File, rename};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use model::ParseError;

/// Where a key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// In Secrets Manager, by its ARN or name.
    Secret(String),
    /// In KMS, by its ARN, from where it never comes out.
    Kms(String),
    /// In a file.
    File(PathBuf),
}

impl FromStr for KeySource {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text.split_once(':').filter(|(_, place)| !place.is_empty()) {
            Some(("secret", arn)) => Ok(Self::Secret(arn.to_owned())),
            Some(("kms", arn)) => Ok(Self::Kms(arn.to_owned())),
            Some(("file", path)) => Ok(Self::File(path.into())),
            // What stands here may be a key in the wrong place.
            _ => Err(ParseError {
                value: "…".to_owned(),
                expected: "where a key is: `secret:ARN`, `kms:ARN` or `file:PATH`",
            }),
        }
    }
}

impl fmt::Display for KeySource {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(arn) => write!(out, "secret:{arn}"),
            Self::Kms(arn) => write!(out, "kms:{arn}"),
            Self::File(path) => write!(out, "file:{}", path.display()),
        }
    }
}

/// Writes a file that only its owner reads, and puts it durably in the place of another.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    rename(&beside, path)
}
