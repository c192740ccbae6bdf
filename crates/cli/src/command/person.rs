use anyhow::Result;
use clap::{Args, Subcommand};
use evidence::Alias;
use model::PersonId;
use recorder::{AddAlias, AddPerson};
use serde_json::json;

use super::Global;
use crate::answer::{list, short, text};
use crate::exit::Exit;

/// People: who approves, and who takes part in changes.
#[derive(Debug, Subcommand)]
pub(crate) enum Person {
    Add(Add),
    List(List),
}

/// Registers a person, with the names by which they are known elsewhere.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// What they are called.
    name: String,
    /// A name elsewhere: `email:ann@example.com`, `github:ann`.
    #[arg(long = "alias", value_name = "SCHEME:NAME")]
    aliases: Vec<Alias>,
}

/// Lists all people, by their ids.
#[derive(Debug, Args)]
pub(crate) struct List {}

impl Person {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        match self {
            Self::Add(command) => command.run(global),
            Self::List(command) => command.run(global),
        }
    }
}

impl Add {
    fn run(self, global: &Global) -> Result<Exit> {
        let client = global.client()?;
        let added = client.post("/v1/people", &AddPerson { name: self.name })?;
        let person: PersonId = text(&added, "/person").parse()?;
        for alias in &self.aliases {
            let add = AddAlias {
                alias: alias.clone(),
                person: person.clone(),
            };
            client.post("/v1/aliases", &add)?;
        }
        let answer = json!({ "person": person, "aliases": self.aliases });
        global.output().answer(&answer, |page| {
            page.fields([("person", person.to_string())]);
            for alias in &self.aliases {
                page.fields([("alias", alias.to_string())]);
            }
        })?;
        Ok(Exit::Done)
    }
}

impl List {
    fn run(self, global: &Global) -> Result<Exit> {
        let answer = global.client()?.get("/v1/people", &[])?;
        global.output().answer(&answer, |page| {
            page.table(
                ["person", "entry"],
                list(&answer, "")
                    .iter()
                    .map(|person| [text(person, "/person"), short(person, "/entry")]),
                "nobody is registered",
            );
        })?;
        Ok(Exit::Done)
    }
}
