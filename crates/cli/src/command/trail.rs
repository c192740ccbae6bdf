use anyhow::Result;
use clap::{Args, Subcommand};
use model::Name;
use recorder::{BeginTrail, Event};

use super::Global;
use crate::answer::{list, short, text, time};
use crate::argument::Once;
use crate::build::BuildArguments;
use crate::exit::Exit;
use crate::show;

/// Trails: runs of a flow.
#[derive(Debug, Subcommand)]
pub(crate) enum Trail {
    Begin(Begin),
    Show(Show),
    List(List),
}

/// Begins a trail. What is not said comes from the CI system, or from git.
#[derive(Debug, Args)]
pub(crate) struct Begin {
    /// What it is called: a commit, a ticket, a run.
    #[arg(env = "TRAILMARK_TRAIL")]
    trail: Name,
    /// The flow.
    #[arg(long, env = "TRAILMARK_FLOW")]
    flow: Name,
    #[command(flatten)]
    build: BuildArguments,
    #[command(flatten)]
    once: Once,
}

/// Shows a trail: its state, what is missing, and its entries.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The trail.
    #[arg(env = "TRAILMARK_TRAIL")]
    trail: Name,
    /// The flow.
    #[arg(long, env = "TRAILMARK_FLOW")]
    flow: Name,
}

/// Lists a flow's trails, newest first.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// The flow.
    #[arg(long, env = "TRAILMARK_FLOW")]
    flow: Name,
}

impl Trail {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        match self {
            Self::Begin(command) => command.run(global),
            Self::Show(command) => command.run(global),
            Self::List(command) => command.run(global),
        }
    }
}

impl Begin {
    fn run(self, global: &Global) -> Result<Exit> {
        let build = self.build.complete()?;
        let what = format!("trail {} of flow {}", self.trail, self.flow);
        let event = Event::Trail(BeginTrail {
            build_url: build.build_url,
            commit: build.commit,
            flow: self.flow,
            repository: build.repository,
            trail: self.trail,
        });
        let answer = global.client()?.record(&event, &self.once.key()?)?;
        global
            .output()
            .answer(&answer, |page| show::recorded(page, &what, &answer))?;
        Ok(Exit::Done)
    }
}

impl Show {
    fn run(self, global: &Global) -> Result<Exit> {
        let path = format!("/v1/flows/{}/trails/{}", self.flow, self.trail);
        let answer = global.client()?.get(&path, &[])?;
        global.output().answer(&answer, |page| {
            let state = text(&answer, "/state");
            page.fields([
                ("trail", text(&answer, "/trail")),
                ("flow", text(&answer, "/flow")),
                ("commit", text(&answer, "/commit")),
                (
                    "state",
                    match state.as_str() {
                        "compliant" => page.style.good(&state),
                        "non-compliant" => page.style.bad(&state),
                        _ => state,
                    },
                ),
            ]);
            let artifacts = list(&answer, "/artifacts").iter();
            let lacking = artifacts.flat_map(|artifact| list(artifact, "/missing"));
            for missing in list(&answer, "/missing").iter().chain(lacking) {
                page.line(format!(
                    "missing: {} `{}` of the {}",
                    text(missing, "/type"),
                    text(missing, "/name"),
                    text(missing, "/subject")
                ));
            }
            show::entries(page, list(&answer, "/entries"));
        })?;
        Ok(Exit::Done)
    }
}

impl List {
    fn run(self, global: &Global) -> Result<Exit> {
        let path = format!("/v1/flows/{}/trails", self.flow);
        let answer = global.client()?.get(&path, &[])?;
        global.output().answer(&answer, |page| {
            page.table(
                ["begun", "trail", "commit"],
                list(&answer, "").iter().map(|trail| {
                    [
                        time(trail, "/begun"),
                        text(trail, "/trail"),
                        short(trail, "/commit"),
                    ]
                }),
                "no trail has begun",
            );
        })?;
        Ok(Exit::Done)
    }
}
