//! The cases of a policy: what it must say of which dossier.

mod expect;
mod written;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use model::Dossier;
use policy::{DossierInput, InputError};
use serde_json::{Map, Value};

pub use expect::{Expect, ExpectedFinding};
pub use written::Within;

use crate::{Place, ReadError, read};

/// All cases of a policy in one file.
pub const CASES_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// A dossier in a file of its own.
pub const DOSSIER_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Why cases could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CasesError {
    /// A file could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is not one case: nothing would be tested.
    #[error("there is no case in `{}`", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// The cases of a policy, in the order of their file. There is at least one.
#[derive(Debug, Clone)]
pub struct Cases {
    text: String,
    list: Vec<Case>,
}

/// What a policy must say of a dossier.
#[derive(Debug, Clone)]
pub struct Case {
    /// A sentence, which no other case of the file has.
    pub name: String,
    /// Where it is written.
    pub place: Place,
    /// What the policy gets, complete.
    pub dossier: Dossier,
    /// The parameters it gets, an object.
    pub parameters: Map<String, Value>,
    /// What it may use at most.
    pub within: Within,
    /// What it must answer.
    pub expect: Expect,
}

impl Cases {
    /// Reads a file of cases.
    ///
    /// # Errors
    /// Names line and column of what is wrong.
    pub fn open(path: &Path) -> Result<Self, CasesError> {
        Self::parse(path, read::text(path, CASES_BYTES_MAX)?)
    }

    /// Reads cases. `path` is where they come from: dossiers in files are looked for beside it.
    ///
    /// # Errors
    /// Names line and column of what is wrong.
    pub fn parse(path: &Path, text: String) -> Result<Self, CasesError> {
        let written: Option<Vec<written::Case>> = read::yaml(path, &text)?;
        let written = written.unwrap_or_default();
        if written.is_empty() {
            return Err(CasesError::Empty { path: path.into() });
        }
        let mut names = HashSet::new();
        let mut list = Vec::with_capacity(written.len());
        for case in written {
            let place = case.place(path);
            let wrong = |message: String| ReadError::wrong(place.clone(), &text, message);
            if !names.insert(case.name().to_owned()) {
                return Err(wrong(format!("another case is called `{}`", case.name())).into());
            }
            list.push(case.complete(path, &place, &wrong)?);
        }
        Ok(Self { text, list })
    }

    /// Returns the cases in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, Case> {
        self.list.iter()
    }

    /// Returns how many there are.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there is always at least one")]
    pub const fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns the file as it is written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl<'a> IntoIterator for &'a Cases {
    type Item = &'a Case;
    type IntoIter = std::slice::Iter<'a, Case>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl Case {
    /// Makes the dossier ready for a policy.
    ///
    /// # Errors
    /// When it has no canonical form.
    pub fn input(&self) -> Result<DossierInput, InputError> {
        DossierInput::new(&self.dossier)
    }

    /// Returns the parameters as a policy gets them: canonical JSON.
    #[must_use]
    pub fn parameters_json(&self) -> String {
        let bytes = model::canonical::to_vec(&self.parameters).unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
