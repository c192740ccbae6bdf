use anyhow::Result;
use clap::{Args, Subcommand};
use model::{EntryHash, Name};
use recorder::timestamp;
use serde_json::{Value, json};

use super::Global;
use super::approve::Release;
use crate::answer::{list, text, time};
use crate::argument::AmongTrails;
use crate::exit::Exit;
use crate::show;
use crate::subject::Artifact;

/// Approvals: requested, listed, withdrawn. `trailmark approve` gives one.
#[derive(Debug, Subcommand)]
pub(crate) enum Approval {
    Request(Request),
    List(List),
    Withdraw(Withdraw),
}

/// Asks people to approve an artifact for an environment.
#[derive(Debug, Args)]
pub(crate) struct Request {
    #[command(flatten)]
    release: Release,
}

/// Lists what was asked for and given, and whether it counts.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// A fingerprint, or a file or directory.
    artifact: Artifact,
    /// Where it is to run.
    #[arg(long, env = "TRAILMARK_ENVIRONMENT")]
    environment: Name,
    #[command(flatten)]
    among: AmongTrails,
}

/// Takes an approval back.
#[derive(Debug, Args)]
pub(crate) struct Withdraw {
    /// The approval's entry.
    approval: EntryHash,
}

impl Approval {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        match self {
            Self::Request(command) => command.run(global),
            Self::List(command) => command.run(global),
            Self::Withdraw(command) => command.run(global),
        }
    }
}

impl Request {
    fn run(self, global: &Global) -> Result<Exit> {
        let request = self.release.request(None)?;
        let answer = global.client()?.post("/v1/approval-requests", &request)?;
        let what = format!("request for approval in {}", request.environment);
        global
            .output()
            .answer(&answer, |page| show::recorded(page, &what, &answer))?;
        Ok(Exit::Done)
    }
}

impl List {
    fn run(self, global: &Global) -> Result<Exit> {
        let client = global.client()?;
        let fingerprint = self.artifact.fingerprint()?;
        let dossier = self
            .among
            .dossier(&client, &fingerprint, &self.environment)?;
        let whole = client.get(&format!("/v1/artifacts/{fingerprint}"), &[])?;
        let asked_here = |entry: &&Value| {
            text(entry, "/kind") == "approval-requested"
                && text(entry, "/fields/environment") == self.environment.as_str()
        };
        let requests: Vec<_> = list(&whole, "/entries").iter().filter(asked_here).collect();
        let answer = json!({ "approvals": list(&dossier, "/approvals"), "requests": requests });
        global.output().answer(&answer, |page| {
            for request in list(&answer, "/requests") {
                page.line(format!("requested at {}", time(request, "/recorded")));
            }
            page.table(
                ["approval", "given", "person", "status", "because"],
                list(&answer, "/approvals").iter().map(|approval| {
                    [
                        text(approval, "/entry"),
                        given(approval),
                        text(approval, "/person"),
                        text(approval, "/status"),
                        text(approval, "/reason"),
                    ]
                }),
                "nobody has approved it",
            );
        })?;
        Ok(Exit::Done)
    }
}

fn given(approval: &Value) -> String {
    let recorded_ms = approval.get("recorded_ms").and_then(Value::as_u64);
    time(
        &json!(recorded_ms.map(timestamp::format).unwrap_or_default()),
        "",
    )
}

impl Withdraw {
    fn run(self, global: &Global) -> Result<Exit> {
        let path = format!("/v1/approvals/{}/withdrawal", self.approval);
        let answer = global.client()?.post(&path, &json!({}))?;
        global.output().answer(&answer, |page| {
            show::recorded(page, "withdrawal of the approval", &answer);
        })?;
        Ok(Exit::Done)
    }
}
