use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use model::Dossier;
use serde::de::DeserializeOwned;

use crate::Place;
use crate::place::excerpt;

/// Why a file of a policy could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system did not give it.
    #[error("could not read `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It is larger than such a file may be.
    #[error("`{}` has more than the `{max}` bytes allowed", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// How large it may be.
        max: u64,
    },
    /// It is no text.
    #[error("{place}: the file is not UTF-8")]
    NotText {
        /// Where the first wrong byte stands.
        place: Place,
    },
    /// It does not say what it should, or not in its language.
    #[error("{place}: {message}{}", below(excerpt))]
    Wrong {
        /// Where.
        place: Place,
        /// What is wrong.
        message: String,
        /// The line with a caret, or nothing.
        excerpt: String,
    },
}

fn below(excerpt: &str) -> String {
    if excerpt.is_empty() {
        String::new()
    } else {
        format!("\n{excerpt}")
    }
}

impl ReadError {
    /// Says that something is wrong at a place of a text.
    pub(crate) fn wrong(place: Place, text: &str, message: impl Into<String>) -> Self {
        let excerpt = excerpt(text, place.line, place.column);
        Self::Wrong {
            place,
            message: message.into(),
            excerpt,
        }
    }
}

/// Reads a file of at most `max` bytes.
pub(crate) fn bytes(path: &Path, max: u64) -> Result<Vec<u8>, ReadError> {
    let io = |source| ReadError::Io {
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(io)?;
    let mut bytes = Vec::new();
    file.take(max.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(io)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= max) {
        Ok(bytes)
    } else {
        Err(ReadError::TooLarge {
            path: path.to_owned(),
            max,
        })
    }
}

/// Reads a text of at most `max` bytes.
pub(crate) fn text(path: &Path, max: u64) -> Result<String, ReadError> {
    String::from_utf8(bytes(path, max)?).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(error.as_bytes().get(..good).unwrap_or_default());
        let line = before.matches('\n').count();
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count();
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX).saturating_add(1);
        ReadError::NotText {
            place: Place::new(path, number(line), number(column)),
        }
    })
}

/// Reads YAML, of which JSON is a part.
pub(crate) fn yaml<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, ReadError> {
    serde_saphyr::from_str(text).map_err(|error| {
        let location = error.location();
        let line = location.map_or(1, |location| location.line());
        let column = location.map_or(1, |location| location.column());
        let message = plain(&error.without_snippet().to_string());
        ReadError::wrong(Place::new(path, line, column), text, message)
    })
}

/// Reads a dossier as `trailmark artifact dossier` prints it; `path` is where it comes from.
///
/// # Errors
/// Names line and column of what is wrong.
pub fn parse_dossier(path: &Path, text: &str) -> Result<Dossier, ReadError> {
    let wrong = |error: serde_json::Error| {
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX).max(1);
        let place = Place::new(path, number(error.line()), number(error.column()));
        ReadError::wrong(place, text, plain(&error.to_string()))
    };
    // For its places: the facts of what is read here are not canonical yet.
    let _: Dossier = serde_json::from_str(text).map_err(wrong)?;
    let value: serde_json::Value = serde_json::from_str(text).map_err(wrong)?;
    let canonical = model::canonical::to_vec(&value).map_err(wrong)?;
    serde_json::from_slice(&canonical).map_err(wrong)
}

/// Takes the place out of a message that names it before.
fn plain(message: &str) -> String {
    let first = message.lines().next().unwrap_or_default();
    let cut = first
        .rfind(" at line ")
        .map_or(first, |at| first.get(..at).unwrap_or(first));
    cut.to_owned()
}
