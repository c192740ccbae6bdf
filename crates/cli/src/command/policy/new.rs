use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, ValueEnum};
use model::Name;
use serde_json::json;
use workbench::template;

use crate::command::Global;
use crate::exit::Exit;
use crate::failure::Failure;

/// Writes a new policy to start from: sources, cases, a README and steps for CI.
#[derive(Debug, Args)]
pub(crate) struct New {
    /// What it is called.
    name: Name,
    /// What it is written in.
    #[arg(long, value_enum)]
    language: Language,
    /// Into which folder; it must be new or empty [default: the name].
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
}

/// The languages that there is a template of.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Language {
    /// Rego, the language of Open Policy Agent.
    Rego,
    /// Rust, built by cargo.
    Rust,
    /// JavaScript, built by componentize-js.
    Javascript,
    /// Python, built by componentize-py.
    Python,
    /// C, built by clang.
    C,
}

impl From<Language> for workbench::Language {
    fn from(language: Language) -> Self {
        match language {
            Language::Rego => Self::Rego,
            Language::Rust => Self::Rust,
            Language::Javascript => Self::Javascript,
            Language::Python => Self::Python,
            Language::C => Self::C,
        }
    }
}

impl New {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let folder = match &self.output {
            Some(folder) => folder.clone(),
            None if self.name.as_str().starts_with('.') => {
                return Err(
                    Failure::usage(format!("`{}` is no name for a folder", self.name))
                        .with_hint("say into which folder it goes: `--output DIR`")
                        .into(),
                );
            }
            None => self.name.as_str().into(),
        };
        let files = template::create(&self.name, self.language.into(), &folder)?;
        let answer = json!({ "name": self.name, "folder": folder, "files": files });
        global.output().answer(&answer, |page| {
            page.line(format!("policy {} is in {}", self.name, folder.display()));
            page.line(format!(
                "next: cd {} && trailmark policy build && trailmark policy test",
                folder.display()
            ));
        })?;
        Ok(Exit::Done)
    }
}
