//! The `trailmark` program as the demo's people use it: typed, answered, and its exit code checked.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::story::Story;
use crate::scratch::Scratch;

/// Exit codes that the demo expects, as the command line documents them.
#[derive(Clone, Copy)]
pub enum Exit {
    Done,
    Denied,
    VerificationFailed,
}

impl Exit {
    fn code(self) -> i32 {
        match self {
            Self::Done => 0,
            Self::Denied => 3,
            Self::VerificationFailed => 4,
        }
    }
}

/// Runs the built program in one scratch, as one person or machine.
#[derive(Clone)]
pub struct Trailmark<'a> {
    scratch: &'a Scratch,
    /// Commands are typed in the root of the workspace, so that every path that is shown is a short one.
    root: PathBuf,
    token: Option<String>,
}

impl<'a> Trailmark<'a> {
    pub fn new(root: &Path, scratch: &'a Scratch) -> Self {
        Self {
            scratch,
            root: root.to_owned(),
            token: None,
        }
    }

    /// The same program used by whoever holds `token`.
    pub fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// Types a command into the story, shows the answer, and fails unless it exits as expected.
    pub fn tell<W: Write>(
        &self,
        story: &mut Story<W>,
        arguments: &[&str],
        expected: Exit,
    ) -> Result<String> {
        story.typed(&typed(arguments))?;
        let output = self
            .command(arguments)
            .output()
            .context("could not start `trailmark`")?;
        let answer = String::from_utf8_lossy(&output.stdout).into_owned();
        story.answered(
            &(answer.clone() + &String::from_utf8_lossy(&output.stderr)),
            exit_code(&output),
        )?;
        check(arguments, &output, expected)?;
        Ok(answer)
    }

    /// Asks silently with `--json` for what the story goes on with.
    pub fn ask(&self, arguments: &[&str]) -> Result<Value> {
        let arguments = [arguments, &["--json"]].concat();
        let output = self
            .command(&arguments)
            .output()
            .context("could not start `trailmark`")?;
        check(&arguments, &output, Exit::Done)?;
        serde_json::from_slice(&output.stdout)
            .with_context(|| format!("`{}` did not answer with one JSON value", typed(&arguments)))
    }

    /// The command itself, for whoever runs it in another way (a server).
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.scratch.command(self.scratch.trailmark());
        command
            .current_dir(&self.root)
            .args(arguments)
            .stdin(Stdio::null());
        if let Some(token) = &self.token {
            command.env("TRAILMARK_TOKEN", token);
        }
        command
    }
}

fn check(arguments: &[&str], output: &Output, expected: Exit) -> Result<()> {
    let (code, wanted) = (exit_code(output), expected.code());
    if code != wanted {
        let (stdout, stderr) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        bail!(
            "`{}` exited with {code}, the story needs {wanted}\n{stdout}{stderr}",
            typed(arguments)
        );
    }
    Ok(())
}

/// A program ended by a signal has no code; -1 is what the story shows then.
fn exit_code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

/// The command line with quotes where a shell needs them.
pub fn typed(arguments: &[&str]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@+%".contains(c);
    let quoted = arguments.iter().map(|argument| {
        if !argument.is_empty() && argument.chars().all(plain) {
            (*argument).to_owned()
        } else {
            format!("'{}'", argument.replace('\'', r"'\''"))
        }
    });
    std::iter::once("trailmark".to_owned())
        .chain(quoted)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_command_can_be_pasted_into_a_shell() {
        assert_eq!(
            typed(&["key", "add", "Ana's key", ""]),
            r"trailmark key add 'Ana'\''s key' ''"
        );
        assert_eq!(
            typed(&["env", "show", "--at", "2026-01-01T00:00:00Z"]),
            "trailmark env show --at 2026-01-01T00:00:00Z"
        );
    }

    #[test]
    fn an_unexpected_exit_code_names_the_command_and_shows_what_it_said() {
        let output = Command::new("sh")
            .args(["-c", "echo why >&2; exit 3"])
            .output()
            .unwrap();
        assert!(check(&["decide"], &output, Exit::Denied).is_ok());
        let error = check(&["decide"], &output, Exit::Done)
            .unwrap_err()
            .to_string();
        assert_eq!(
            error,
            "`trailmark decide` exited with 3, the story needs 0\nwhy\n"
        );
    }
}
