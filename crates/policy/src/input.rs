use model::{Dossier, Fingerprint};

use crate::source::digest;

/// A dossier that could not be made ready for policies.
#[derive(Debug, thiserror::Error)]
#[error("could not encode the dossier")]
pub struct InputError(#[source] serde_json::Error);

/// A dossier made ready for all policies of one decision: its canonical JSON and its typed records.
#[derive(Debug, Clone)]
pub struct DossierInput {
    canonical: String,
}

impl DossierInput {
    /// Converts a dossier once.
    ///
    /// # Errors
    /// When the dossier has no JSON form.
    pub fn new(dossier: &Dossier) -> Result<Self, InputError> {
        let bytes = model::canonical::to_vec(dossier).map_err(InputError)?;
        let canonical = String::from_utf8(bytes).map_err(|error| InputError(serde::ser::Error::custom(error)))?;
        Ok(Self { canonical })
    }

    /// Returns the dossier's canonical JSON.
    #[must_use]
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// Computes the SHA-256 digest of the canonical JSON.
    #[must_use]
    pub fn digest(&self) -> Fingerprint {
        digest(self.canonical.as_bytes())
    }
}
