use anyhow::Result;
use clap::{Args, Subcommand};
use model::EntryHash;

use super::Global;
use crate::answer::{list, short, text, time};
use crate::exit::Exit;
use crate::show;

/// Decisions: verdicts of policies, and what they rest on.
#[derive(Debug, Subcommand)]
pub(crate) enum Decision {
    Show(Show),
}

/// Shows a decision or a trial, policy by policy.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// Its entry.
    decision: EntryHash,
}

impl Decision {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        match self {
            Self::Show(command) => command.run(global),
        }
    }
}

impl Show {
    fn run(self, global: &Global) -> Result<Exit> {
        let path = format!("/v1/decisions/{}", self.decision);
        let answer = global.client()?.get(&path, &[])?;
        global.output().answer(&answer, |page| {
            page.fields([
                ("decision", text(&answer, "/entry/entry")),
                ("recorded", time(&answer, "/entry/recorded")),
                ("verdict", text(&answer, "/entry/fields/verdict")),
                ("environment", text(&answer, "/entry/fields/environment")),
                ("artifact", text(&answer, "/entry/fields/fingerprint")),
                ("dossier", short(&answer, "/grounds/dossier")),
            ]);
            show::reasons(page, &answer);
            page.table(
                ["policy", "digest", "advisory", "fuel"],
                list(&answer, "/grounds/policies").iter().map(|policy| {
                    [
                        text(policy, "/name"),
                        short(policy, "/identity/policy"),
                        text(policy, "/advisory"),
                        text(policy, "/evaluation/fuel"),
                    ]
                }),
                "no policy was in force",
            );
        })?;
        Ok(Exit::Done)
    }
}
