use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use model::EntryHash;

use super::Global;
use crate::answer::{short, text, time};
use crate::exit::Exit;
use crate::file;

/// Entries: single records of the journal.
#[derive(Debug, Subcommand)]
pub(crate) enum Entry {
    Show(Show),
    Receipt(Receipt),
}

/// Shows an entry.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Its hash.
    entry: EntryHash,
}

/// Gets a receipt: the proof that the entry is in the log, for `trailmark verify --receipt`.
#[derive(Debug, Args)]
pub(crate) struct Receipt {
    /// The entry's hash.
    entry: EntryHash,
    /// Where to write it [default: standard output].
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Entry {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        match self {
            Self::Show(command) => command.run(global),
            Self::Receipt(command) => command.run(global),
        }
    }
}

impl Show {
    fn run(self, global: &Global) -> Result<Exit> {
        let path = format!("/v1/entries/{}", self.entry);
        let answer = global.client()?.get(&path, &[])?;
        global.output().answer(&answer, |page| {
            page.fields([
                ("entry", text(&answer, "/entry")),
                ("index", text(&answer, "/index")),
                ("kind", text(&answer, "/kind")),
                ("recorded", time(&answer, "/recorded")),
                ("claimed", time(&answer, "/claimed")),
                ("by", text(&answer, "/by/key")),
                ("person", text(&answer, "/by/person")),
                ("fields", text(&answer, "/fields")),
            ]);
        })?;
        Ok(Exit::Done)
    }
}

impl Receipt {
    fn run(self, global: &Global) -> Result<Exit> {
        let path = format!("/v1/entries/{}/receipt", self.entry);
        let answer = global.client()?.get(&path, &[])?;
        if let Some(path) = &self.output {
            file::write(path, &serde_json::to_vec(&answer)?)?;
        }
        global.output().answer(&answer, |page| match &self.output {
            Some(path) => page.line(format!(
                "receipt of entry {} written to {}",
                short(&answer, "/entry"),
                path.display()
            )),
            None => page.line(&answer),
        })?;
        Ok(Exit::Done)
    }
}
