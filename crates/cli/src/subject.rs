use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Result;
use evidence::fingerprint;
use model::Fingerprint;

use crate::exit::Exit;
use crate::failure::Failure;

/// An artifact as it is named on the command line: by its fingerprint, or by where it lies on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Artifact {
    Fingerprint(Fingerprint),
    Path(PathBuf),
}

impl FromStr for Artifact {
    type Err = Infallible;

    /// A file whose name looks like a fingerprint is named with a `./` before it.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        Ok(match digits.parse() {
            Ok(fingerprint) => Self::Fingerprint(fingerprint),
            Err(_) => Self::Path(text.into()),
        })
    }
}

impl Artifact {
    /// Returns the fingerprint, computing it where a path is given.
    pub(crate) fn fingerprint(&self) -> Result<Fingerprint> {
        match self {
            Self::Fingerprint(fingerprint) => Ok(*fingerprint),
            Self::Path(path) => of_path(path),
        }
    }

    /// Returns the last part of the path.
    pub(crate) fn file_name(&self) -> Option<String> {
        match self {
            Self::Fingerprint(_) => None,
            Self::Path(path) => {
                let whole = path.canonicalize().ok()?;
                Some(whole.file_name()?.to_string_lossy().into_owned())
            }
        }
    }
}

/// Computes the fingerprint of a file or a directory.
pub(crate) fn of_path(path: &Path) -> Result<Fingerprint> {
    let computed = if path.is_dir() {
        fingerprint::of_directory(path)
    } else {
        fingerprint::of_file(path)
    };
    computed.map_err(|error| {
        let hint = "name a file, a directory, or a fingerprint: 64 lower-case hexadecimal digits";
        let failure = Failure::new(Exit::Failed, "could not compute the fingerprint");
        failure.because(error).with_hint(hint).into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_artifact_is_a_fingerprint_or_a_path() {
        let digits = "0123456789abcdef".repeat(4);
        let fingerprint = Artifact::Fingerprint(digits.parse().unwrap());
        assert_eq!(digits.parse::<Artifact>().unwrap(), fingerprint);
        assert_eq!(
            format!("sha256:{digits}").parse::<Artifact>().unwrap(),
            fingerprint
        );
        for path in ["a.out", &format!("./{digits}"), &digits.to_uppercase()] {
            assert_eq!(
                path.parse::<Artifact>().unwrap(),
                Artifact::Path(path.into())
            );
        }
    }
}
