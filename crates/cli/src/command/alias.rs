use anyhow::Result;
use clap::{Args, Subcommand};
use model::PersonId;
use recorder::AddAlias;

use super::Global;
use crate::exit::Exit;
use crate::show;

/// Aliases: names by which a person is known elsewhere.
#[derive(Debug, Subcommand)]
pub(crate) enum Alias {
    Add(Add),
}

/// Registers a name by which a person is known elsewhere. Nobody enters their own.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The person's id.
    person: PersonId,
    /// The name: `email:ann@example.com`, `github:ann`.
    #[arg(value_name = "SCHEME:NAME")]
    alias: evidence::Alias,
}

impl Alias {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        match self {
            Self::Add(command) => command.run(global),
        }
    }
}

impl Add {
    fn run(self, global: &Global) -> Result<Exit> {
        let what = format!("alias {} of {}", self.alias, self.person);
        let add = AddAlias {
            alias: self.alias,
            person: self.person,
        };
        let answer = global.client()?.post("/v1/aliases", &add)?;
        global
            .output()
            .answer(&answer, |page| show::recorded(page, &what, &answer))?;
        Ok(Exit::Done)
    }
}
