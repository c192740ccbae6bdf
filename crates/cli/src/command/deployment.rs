use anyhow::Result;
use clap::{Args, Subcommand};
use model::{EntryHash, Name};
use recorder::{Event, ReportDeployment};
use serde_json::Value;

use super::Global;
use crate::answer::{list, text};
use crate::argument::Once;
use crate::ci;
use crate::client::Client;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::show;
use crate::subject::Artifact;

/// Deployments: what was put into environments. `trailmark env log` lists them.
#[derive(Debug, Subcommand)]
pub(crate) enum Deployment {
    Report(Report),
}

/// Reports that an artifact was put into an environment.
#[derive(Debug, Args)]
pub(crate) struct Report {
    /// A fingerprint, or a file or directory.
    artifact: Artifact,
    /// Where it was put.
    #[arg(long, env = "TRAILMARK_ENVIRONMENT")]
    environment: Name,
    /// The flow that deployed it [default: the one that it was recorded in].
    #[arg(long, env = "TRAILMARK_FLOW")]
    flow: Option<Name>,
    /// What it is called [default: as it was recorded].
    #[arg(long)]
    name: Option<String>,
    /// The decision that allowed it.
    #[arg(long, value_name = "ENTRY")]
    decision: Option<EntryHash>,
    /// Where its log can be looked at [default: that of the CI system].
    #[arg(long, value_name = "URL")]
    build_url: Option<String>,
    #[command(flatten)]
    once: Once,
}

impl Deployment {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        match self {
            Self::Report(command) => command.run(global),
        }
    }
}

impl Report {
    fn run(self, global: &Global) -> Result<Exit> {
        let client = global.client()?;
        let fingerprint = self.artifact.fingerprint()?;
        let (flow, name) = match (self.flow, self.name) {
            (Some(flow), Some(name)) => (flow, name),
            (flow, name) => {
                let place = recorded(&client, &fingerprint.to_string(), flow.as_ref())?;
                let flow = flow.map_or_else(|| text(&place, "/flow").parse(), Ok)?;
                (flow, name.unwrap_or_else(|| text(&place, "/name")))
            }
        };
        let what = format!("deployment of {name} into {}", self.environment);
        let event = Event::Deployment(ReportDeployment {
            build_url: self.build_url.or_else(|| ci::of_this_process().build_url),
            decision: self.decision,
            environment: self.environment,
            fingerprint,
            flow,
            name,
        });
        let answer = client.record(&event, &self.once.key()?)?;
        global
            .output()
            .answer(&answer, |page| show::recorded(page, &what, &answer))?;
        Ok(Exit::Done)
    }
}

/// Finds where an artifact was recorded last, in this flow or in its only one.
fn recorded(client: &Client, fingerprint: &str, flow: Option<&Name>) -> Result<Value> {
    let answer = client.get(&format!("/v1/artifacts/{fingerprint}"), &[])?;
    let places = list(&answer, "/recorded_in");
    let here = |place: &&Value| flow.is_none_or(|flow| text(place, "/flow") == flow.as_str());
    let mut found = places.iter().rev().filter(here);
    let unknown = |why: &str| {
        Failure::usage(format!("{why} `{fingerprint}` was recorded in"))
            .with_hint("name them: `--flow` and `--name`")
    };
    let newest = found
        .next()
        .ok_or_else(|| unknown("there is no flow that"))?;
    if found.any(|place| text(place, "/flow") != text(newest, "/flow")) {
        return Err(unknown("there are several flows that").into());
    }
    Ok(newest.clone())
}
