//! Building: the command that a policy's folder names, run with the ordinary tools of its language.

mod rust;

use std::io;
use std::process::{Command, Stdio};

use crate::{Folder, FolderError, Language};

/// Why a policy was not built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// What the folder says of itself does not do.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// It becomes a component, and nothing says how.
    #[error("the policy `{name}` does not say in `build` how it is built")]
    NoCommand {
        /// The policy.
        name: model::Name,
    },
    /// A program could not be started.
    #[error("could not start `{program}`")]
    Start {
        /// The program.
        program: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The compiler has no WebAssembly.
    #[error("this machine's Rust has no standard library for `{}`", rust::TARGET)]
    NoTarget,
    /// It ran, and did not succeed; it said why on standard error.
    #[error("`{command}` failed: {status}")]
    Failed {
        /// The command.
        command: String,
        /// How it ended.
        status: std::process::ExitStatus,
    },
}

impl BuildError {
    /// Returns what the author can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoTarget => {
                Some("type `rustup target add wasm32-unknown-unknown`, then build again")
            }
            Self::NoCommand { .. } => {
                Some("add `build: [PROGRAM, ARGUMENT, …]` and `output: FILE` to `policy.yaml`")
            }
            Self::Start { program, .. } => match program.as_str() {
                "cargo" | "rustc" => Some("install Rust from https://rustup.rs"),
                "node" | "npm" => Some("install Node.js 20 or newer"),
                "python3" => Some("install Python 3.10 or newer, with venv"),
                "clang" => Some("install clang and lld, on Debian: `apt-get install clang lld`"),
                _ => None,
            },
            Self::Folder(_) | Self::Failed { .. } => None,
        }
    }
}

/// Runs the command that builds a policy. What it says goes to standard error. Rego needs none.
///
/// # Errors
/// When there is no such program, or it does not succeed.
pub fn build(folder: &Folder) -> Result<(), BuildError> {
    let manifest = folder.manifest();
    let Some((program, arguments)) = manifest.build.as_deref().and_then(<[_]>::split_first) else {
        return match manifest.language {
            Language::Rego | Language::Wasm => Ok(()),
            _ => Err(BuildError::NoCommand {
                name: manifest.name.clone(),
            }),
        };
    };
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder.path());
    if manifest.language == Language::Rust && program == "cargo" {
        command.envs(rust::environment()?);
    }
    command.stdin(Stdio::null()).stdout(io::stderr());
    let status = command.status().map_err(|source| BuildError::Start {
        program: program.clone(),
        source,
    })?;
    if status.success() {
        return Ok(());
    }
    let words: Vec<_> = manifest
        .build
        .iter()
        .flatten()
        .map(String::as_str)
        .collect();
    Err(BuildError::Failed {
        command: words.join(" "),
        status,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(manifest: &str) -> (tempfile::TempDir, Folder) {
        let path = tempfile::tempdir().unwrap();
        std::fs::write(path.path().join("policy.yaml"), manifest).unwrap();
        let folder = Folder::open(path.path()).unwrap();
        (path, folder)
    }

    #[test]
    fn a_command_runs_in_its_folder_and_its_failure_is_told() {
        let (path, made) = folder("name: a\nlanguage: c\nbuild: [cp, policy.yaml, copy]\n");
        build(&made).unwrap();
        assert!(path.path().join("copy").is_file());
        let (_path, failing) = folder("name: a\nlanguage: c\nbuild: [cp, absent, copy]\n");
        let error = build(&failing).unwrap_err().to_string();
        assert!(error.starts_with("`cp absent copy` failed: "), "{error}");
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let (_path, made) = folder("name: a\nlanguage: c\nbuild: [no-such-compiler]\n");
        let error = build(&made).unwrap_err().to_string();
        assert_eq!(error, "could not start `no-such-compiler`");
    }

    #[test]
    fn only_rego_needs_no_command() {
        let (_path, made) = folder("name: a\nlanguage: c\n");
        assert!(build(&made).unwrap_err().hint().is_some());
        let (_path, made) = folder("name: a\nlanguage: rego\n");
        build(&made).unwrap();
    }
}
