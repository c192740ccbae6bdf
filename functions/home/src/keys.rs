//! Keys: where they are, and how they are read there.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use aws_sdk_secretsmanager::Client as Secrets;
use aws_sdk_secretsmanager::config::Builder;
use aws_sdk_secretsmanager::error::DisplayErrorContext;
use store::aws::{Clients, Endpoints};

/// What a key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Hides people's aliases.
    Alias,
    /// Authenticates compiled policies.
    Cache,
    /// Signs checkpoints.
    Log,
    /// Signs permits.
    Permit,
    /// Signs promises.
    Receipt,
}

/// Where a key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// In Secrets Manager, by its ARN.
    Secret(String),
    /// In KMS, by its ARN, from where it never comes out.
    Kms(String),
    /// In a file, as in tests.
    File(PathBuf),
}

impl FromStr for KeySource {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.split_once(':').filter(|(_, place)| !place.is_empty()) {
            Some(("secret", arn)) => Ok(Self::Secret(arn.to_owned())),
            Some(("kms", arn)) => Ok(Self::Kms(arn.to_owned())),
            Some(("file", path)) => Ok(Self::File(path.into())),
            _ => Err(()),
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

/// Why a key cannot be used. What was read is never shown.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The secret was not read.
    #[error("`secretsmanager:GetSecretValue` on `{secret}` failed: {problem}")]
    Secret {
        /// The secret.
        secret: String,
        /// What the service or the way there says.
        problem: String,
    },
    /// The file was not read.
    #[error("`{path}` cannot be read")]
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
    /// There is no value, or it is none.
    #[error("`{place}` holds no key: {expected}")]
    Form {
        /// Where it is.
        place: String,
        /// What it would look like.
        expected: &'static str,
    },
}

/// Reads keys.
#[derive(Debug, Clone)]
pub struct Keys {
    secrets: Secrets,
}

impl Keys {
    /// Reads them with the clients' credentials and connections.
    #[must_use]
    pub fn new(clients: &Clients, endpoints: &Endpoints) -> Self {
        let mut config = Builder::from(&clients.sdk);
        if endpoints.s3.is_some() {
            config.set_endpoint_url(endpoints.s3.clone());
        }
        Self {
            secrets: Secrets::from_conf(config.build()),
        }
    }

    /// Reads a key's text.
    ///
    /// # Errors
    /// Names the place, and never what was in it.
    pub async fn text(&self, source: &KeySource) -> Result<String, KeyError> {
        match source {
            KeySource::Secret(secret) => {
                let asked = self.secrets.get_secret_value().secret_id(secret).send();
                let answer = asked.await.map_err(|error| KeyError::Secret {
                    secret: secret.clone(),
                    problem: DisplayErrorContext(error).to_string(),
                })?;
                answer.secret_string.ok_or_else(|| KeyError::Form {
                    place: source.to_string(),
                    expected: "it has no text",
                })
            }
            KeySource::File(path) => {
                std::fs::read_to_string(path).map_err(|error| KeyError::File {
                    path: path.display().to_string(),
                    source: error,
                })
            }
            KeySource::Kms(_) => Err(KeyError::Kept(source.clone())),
        }
    }

    /// Reads a secret of 32 bytes.
    ///
    /// # Errors
    /// When it is none.
    pub async fn secret(&self, source: &KeySource) -> Result<[u8; 32], KeyError> {
        let text = self.text(source).await?;
        let mut bytes = [0; 32];
        match hex::decode_to_slice(text.trim(), &mut bytes) {
            Ok(()) => Ok(bytes),
            Err(_) => Err(KeyError::Form {
                place: source.to_string(),
                expected: "64 hexadecimal digits",
            }),
        }
    }
}
