use anyhow::Result;
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::Trailmark;
use crate::exit::Exit;
use crate::output;

/// Prints the completions of a shell.
#[derive(Debug, Args)]
pub(crate) struct Completion {
    /// The shell.
    shell: Shell,
}

impl Completion {
    pub(crate) fn run(self) -> Result<Exit> {
        let mut text = Vec::new();
        clap_complete::generate(
            self.shell,
            &mut Trailmark::command(),
            "trailmark",
            &mut text,
        );
        output::write(&text)?;
        Ok(Exit::Done)
    }
}
