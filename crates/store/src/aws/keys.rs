//! Signing keys: where they are, how they are read there, and how what must not leave a service signs there.
//!
//! A key's text is its seed, 64 hexadecimal digits, in a file or in a secret. A log's key can also be in KMS: an
//! `ECC_NIST_EDWARDS25519` key for signing, which KMS applies to the message itself (`ED25519_SHA_512`, `RAW`: pure
//! Ed25519). The receipt key is in one place with what the log's key says of it: see [`ReceiptKeys`].

mod kms;
mod receipt;
mod source;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_kms::Client as Kms;
use aws_sdk_secretsmanager::Client as Secrets;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata as _;
use journal::key::{LogKey, PublicKey, Seed};
use journal::kind::KeyRotated;
use journal::note::{Checkpoint, NoteError, Vkey};
use journal::receipt::{ReceiptError, ReceiptTerms, ReceiptVoucher};
use model::{Class, JournalId};

use self::kms::KmsKey;
use super::client::{Clients, Endpoints};
use super::error::CallError;

pub use self::receipt::ReceiptKeys;
pub use self::source::KeySource;

const GET: &str = "secretsmanager:GetSecretValue";
const PUT: &str = "secretsmanager:PutSecretValue";

/// What a log's key does, wherever it is.
#[async_trait]
pub trait LogSigner: Send + Sync {
    /// Returns its public form.
    fn vkey(&self) -> &Vkey;

    /// Signs a checkpoint, and returns the note's text.
    async fn checkpoint(&self, checkpoint: &Checkpoint) -> Result<String, KeyError>;

    /// Vouches for a receipt key.
    async fn vouch_receipt(&self, terms: ReceiptTerms) -> Result<ReceiptVoucher, KeyError>;

    /// Vouches for the key that takes its place.
    async fn vouch(&self, journal: &JournalId, new: PublicKey) -> Result<KeyRotated, KeyError>;
}

#[async_trait]
impl LogSigner for LogKey {
    fn vkey(&self) -> &Vkey {
        self.vkey()
    }

    async fn checkpoint(&self, checkpoint: &Checkpoint) -> Result<String, KeyError> {
        Ok(checkpoint.sign(self)?)
    }

    async fn vouch_receipt(&self, terms: ReceiptTerms) -> Result<ReceiptVoucher, KeyError> {
        Ok(self.vouch_receipt(terms)?)
    }

    async fn vouch(&self, journal: &JournalId, new: PublicKey) -> Result<KeyRotated, KeyError> {
        Ok(self.vouch(journal, new))
    }
}

/// Why a key cannot be used. What was read is never shown.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A call failed.
    #[error("the key's service did not answer")]
    Call(#[from] CallError),
    /// The file cannot be read or written.
    #[error("`{path}` cannot be used")]
    File {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It never comes out of KMS.
    #[error("`{0}` is in a service that does not give it away")]
    Kept(KeySource),
    /// There is nothing yet.
    #[error("`{0}` holds nothing yet")]
    Empty(KeySource),
    /// There is something else.
    #[error("`{place}` holds no key: expected {expected}")]
    Form {
        /// Where.
        place: KeySource,
        /// What it would look like.
        expected: &'static str,
    },
    /// The key signs in another way.
    #[error("key `{key}` is a `{found}`, not an `ECC_NIST_EDWARDS25519` that signs")]
    Spec {
        /// The key.
        key: String,
        /// What it is.
        found: String,
    },
    /// What came back is not this key's signature.
    #[error("key `{0}` gave a signature that is not its own")]
    Signature(String),
    /// There is no randomness to make a key from.
    #[error("there is no randomness to make a key from")]
    Random(#[source] getrandom::Error),
    /// A checkpoint cannot be signed.
    #[error("the checkpoint cannot be signed")]
    Note(#[from] NoteError),
    /// A receipt key cannot be vouched for, or is not.
    #[error("the receipt key is not vouched for")]
    Receipt(#[from] ReceiptError),
}

impl KeyError {
    /// Returns what sort of failure it is.
    #[must_use]
    pub const fn class(&self) -> Class {
        match self {
            Self::Call(_) | Self::File { .. } | Self::Random(_) | Self::Empty(_) => {
                Class::Unavailable
            }
            Self::Kept(_) | Self::Form { .. } | Self::Spec { .. } => Class::Caller,
            Self::Signature(_) | Self::Note(_) | Self::Receipt(_) => Class::Corrupt,
        }
    }
}

/// Reads and writes keys where they are. A copy is the same.
#[derive(Debug, Clone)]
pub struct Keys {
    secrets: Secrets,
    kms: Kms,
}

impl Keys {
    /// Uses the clients' credentials and connections.
    #[must_use]
    pub fn new(clients: &Clients, endpoints: &Endpoints) -> Self {
        let mut secrets = aws_sdk_secretsmanager::config::Builder::from(&clients.sdk);
        if endpoints.s3.is_some() {
            secrets.set_endpoint_url(endpoints.s3.clone());
        }
        Self {
            secrets: Secrets::from_conf(secrets.build()),
            kms: Kms::new(&clients.sdk),
        }
    }

    /// Reads a key's text.
    ///
    /// # Errors
    /// [`KeyError::Empty`] where there is none yet.
    pub async fn text(&self, source: &KeySource) -> Result<String, KeyError> {
        match source {
            KeySource::Kms(_) => Err(KeyError::Kept(source.clone())),
            KeySource::File(path) => match std::fs::read_to_string(path) {
                Ok(text) => Ok(text),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    Err(KeyError::Empty(source.clone()))
                }
                Err(error) => Err(file(path, error)),
            },
            KeySource::Secret(secret) => {
                let asked = self.secrets.get_secret_value().secret_id(secret);
                match asked.send().await {
                    Ok(answer) => answer
                        .secret_string
                        .ok_or_else(|| KeyError::Empty(source.clone())),
                    // A secret without a version, as a template leaves it.
                    Err(error) if error.code() == Some("ResourceNotFoundException") => {
                        Err(KeyError::Empty(source.clone()))
                    }
                    Err(error) => Err(CallError::of(GET, secret, error).into()),
                }
            }
        }
    }

    /// Reads a key's seed.
    ///
    /// # Errors
    /// As [`Keys::text`], and where the text is no seed.
    pub async fn seed(&self, source: &KeySource) -> Result<Seed, KeyError> {
        let text = self.text(source).await?;
        let mut seed = [0; 32];
        hex::decode_to_slice(text.trim(), &mut seed).map_err(|_| KeyError::Form {
            place: source.clone(),
            expected: "64 hexadecimal digits",
        })?;
        Ok(seed)
    }

    /// Writes a key's text: a new file in the place of the old one, or a new version of a secret.
    ///
    /// # Errors
    /// What was there stays there.
    pub async fn write(&self, source: &KeySource, text: String) -> Result<(), KeyError> {
        match source {
            KeySource::Kms(_) => Err(KeyError::Kept(source.clone())),
            KeySource::File(path) => {
                source::replace(path, &text).map_err(|error| file(path, error))
            }
            KeySource::Secret(secret) => {
                let put = self.secrets.put_secret_value();
                let put = put.secret_id(secret).secret_string(text).send();
                put.await
                    .map_err(|error| CallError::of(PUT, secret, error))?;
                Ok(())
            }
        }
    }

    /// Takes up the log's key of a journal.
    ///
    /// # Errors
    /// Where it cannot be read, or in KMS is no key for signing with Ed25519.
    pub async fn log_signer(
        &self,
        journal: &JournalId,
        source: &KeySource,
    ) -> Result<Arc<dyn LogSigner>, KeyError> {
        Ok(match source {
            KeySource::Kms(key) => Arc::new(KmsKey::load(self.kms.clone(), journal, key).await?),
            _ => Arc::new(LogKey::new(journal, &self.seed(source).await?)),
        })
    }
}

fn file(path: &std::path::Path, source: std::io::Error) -> KeyError {
    KeyError::File {
        path: path.display().to_string(),
        source,
    }
}
