use std::sync::Arc;

use model::Fingerprint;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A policy as its author published it.
#[derive(Clone, PartialEq, Eq)]
pub enum PolicySource {
    /// A WebAssembly component of the world `policy` in `wit/policy.wit`.
    Component(Arc<[u8]>),
    /// Rego source, which the sandbox's engine component runs.
    Rego(Arc<str>),
}

/// In which form a policy was published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PolicyForm {
    /// A WebAssembly component.
    Component,
    /// Rego source.
    Rego,
}

impl PolicySource {
    /// Returns the form.
    #[must_use]
    pub const fn form(&self) -> PolicyForm {
        match self {
            Self::Component(_) => PolicyForm::Component,
            Self::Rego(_) => PolicyForm::Rego,
        }
    }

    /// Returns the bytes as published.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Component(bytes) => bytes,
            Self::Rego(source) => source.as_bytes(),
        }
    }

    /// Computes the digest that names the policy: SHA-256 of its bytes as published.
    #[must_use]
    pub fn digest(&self) -> Fingerprint {
        digest(self.bytes())
    }
}

impl std::fmt::Debug for PolicySource {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{:?} policy {}", self.form(), self.digest())
    }
}

/// What ran: all that decides about verdict, fuel and memory beside the input and the limits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// For a policy given as source: the digest of the engine component that ran it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine: Option<Fingerprint>,
    /// In which form the policy was published.
    pub form: PolicyForm,
    /// How work and memory are counted; see [`crate::METERING`].
    pub metering: String,
    /// The digest of the policy as published.
    pub policy: Fingerprint,
    /// The version of wasmtime.
    pub runtime: String,
}

pub(crate) fn digest(bytes: &[u8]) -> Fingerprint {
    Fingerprint(Sha256::digest(bytes).into())
}
