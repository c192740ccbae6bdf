//! A policy of one's own: opened, and made ready in the sandbox that decides.

use std::io::{self, IsTerminal as _};
use std::path::Path;

use anyhow::Result;
use policy::{Config, Prepared, PublishError, Sandbox};
use workbench::{Folder, FolderError};

use crate::compiled;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// Sets up the sandbox that a recorder decides with.
pub(crate) fn sandbox() -> Result<Sandbox> {
    Ok(Sandbox::new(Config {
        cache: compiled::cache(),
        before_engine: Some(tell_of_engine),
        ..Config::default()
    })?)
}

/// Tells a person why nothing happens for a while.
fn tell_of_engine() {
    if io::stderr().is_terminal() {
        output::note(
            "compiling the engine for Rego, once for this version: this can take a minute",
        );
    }
}

/// Opens a policy's folder, or a file that is one.
pub(crate) fn open(path: &Path) -> Result<Folder> {
    Ok(Folder::open(path).map_err(wrong_folder)?)
}

/// Reads, checks and compiles a policy as publication would.
pub(crate) fn prepare(sandbox: &Sandbox, folder: &Folder) -> Result<Prepared> {
    let source = folder.source().map_err(wrong_folder)?;
    sandbox
        .prepare(&source)
        .map_err(|error| refused(error, folder))
}

/// Says why a source is no policy: with file, line and column where it has a place, and what to do about it.
pub(crate) fn refused(error: PublishError, folder: &Folder) -> anyhow::Error {
    let what = format!("`{}` cannot be a policy", folder.name());
    let hint = error.hint();
    let modules = folder.modules().ok().flatten();
    let located = modules.and_then(|modules| workbench::locate(&error, folder.path(), &modules));
    let failure = Failure::new(Exit::Failed, what).with_hint(hint);
    match located {
        Some(located) => failure.because(located).into(),
        None => failure.because(error).into(),
    }
}

/// Says what is wrong with a folder, and what to do about it.
pub(crate) fn wrong_folder(error: FolderError) -> Failure {
    let hint = match &error {
        FolderError::NoManifest { .. } => {
            Some("begin one with `trailmark policy new NAME --language rego`".to_owned())
        }
        FolderError::NotBuilt { build, .. } => build
            .as_ref()
            .map(|build| format!("build it: `{}`", build.join(" "))),
        FolderError::NoOutput { .. } => {
            Some("write `output: PATH`, seen from the folder".to_owned())
        }
        _ => None,
    };
    let failure = Failure::new(Exit::Failed, "this is not a policy").because(error);
    match hint {
        Some(hint) => failure.with_hint(hint),
        None => failure,
    }
}

/// Says that nothing is known of what a policy prints and reaches, and why.
pub(crate) fn unexplained(why: &str) -> Vec<String> {
    let lines = why.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(output::printable)
        .enumerate()
        .map(|(at, line)| match at {
            0 => format!("no coverage and no prints: {line}"),
            _ => format!("    {line}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_the_interpreter_refuses_is_said_with_its_place() {
        let why = "the interpreter refused the policy: \n--> a.rego:7:1\n  |\n7 | x\nerror: no";
        let said = super::unexplained(why);
        assert!(said[0].starts_with("no coverage and no prints: the interpreter refused"));
        assert_eq!(said[1], "    --> a.rego:7:1");
        assert_eq!(said.len(), 5);
    }
}
