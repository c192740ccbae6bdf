use std::path::PathBuf;

use model::Name;
use serde::{Deserialize, Serialize};

/// What `policy.yaml` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// What the policy is called when it is published.
    pub name: Name,
    /// What it is written in.
    pub language: Language,
    /// The command that builds it, run in its folder; absent for Rego.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<Vec<String>>,
    /// The component that the command leaves, seen from its folder; absent for Rego.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<PathBuf>,
    /// A file with the JSON schema of its parameters, seen from its folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parameters: Option<PathBuf>,
}

impl Manifest {
    pub(crate) const fn of(name: Name, language: Language) -> Self {
        Self {
            name,
            language,
            build: None,
            output: None,
            parameters: None,
        }
    }
}

/// What a policy is written in. All but Rego become components.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Rego, which the stock engine runs.
    Rego,
    /// Rust.
    Rust,
    /// JavaScript.
    Javascript,
    /// Python.
    Python,
    /// C.
    C,
    /// A component of which nothing more is known.
    Wasm,
}
