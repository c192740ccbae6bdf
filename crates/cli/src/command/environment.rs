mod snapshot;

use anyhow::Result;
use clap::{Args, Subcommand};
use model::Name;
use recorder::DefineEnvironment;
use serde_json::Value;

use super::Global;
use crate::answer::{list, short, text, time};
use crate::argument::Moment;
use crate::exit::Exit;
use crate::show;

/// Environments: where artifacts run.
#[derive(Debug, Subcommand)]
pub(crate) enum Environment {
    Create(Create),
    Snapshot(snapshot::Snapshot),
    Show(Show),
    Log(Log),
    Diff(Diff),
    List(List),
}

/// Creates an environment, or changes its description.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// What it is called.
    environment: Name,
    /// What it is for.
    #[arg(long, default_value = "", hide_default_value = true)]
    description: String,
}

/// Shows what runs in an environment, or ran at a time, and what does not fit together.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The environment.
    #[arg(env = "TRAILMARK_ENVIRONMENT")]
    environment: Name,
    /// The moment: `2026-11-19T02:30:00Z`, or a span of time ago such as `12h` [default: now].
    #[arg(long, value_name = "TIME")]
    at: Option<Moment>,
}

/// Lists an environment's last deployments, newest first.
#[derive(Debug, Args)]
pub(crate) struct Log {
    /// The environment.
    #[arg(env = "TRAILMARK_ENVIRONMENT")]
    environment: Name,
    /// How many.
    #[arg(long, default_value_t = 10)]
    last: usize,
}

/// Shows what started and stopped between two moments.
#[derive(Debug, Args)]
pub(crate) struct Diff {
    /// The environment.
    #[arg(env = "TRAILMARK_ENVIRONMENT")]
    environment: Name,
    /// The earlier moment: a time, or a span of time ago.
    #[arg(long, value_name = "TIME")]
    from: Moment,
    /// The later moment [default: now].
    #[arg(long, value_name = "TIME")]
    to: Option<Moment>,
}

/// Lists all environments.
#[derive(Debug, Args)]
pub(crate) struct List {}

impl Environment {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        match self {
            Self::Create(command) => command.run(global),
            Self::Snapshot(command) => command.run(global),
            Self::Show(command) => command.run(global),
            Self::Log(command) => command.run(global),
            Self::Diff(command) => command.run(global),
            Self::List(command) => command.run(global),
        }
    }
}

impl Create {
    fn run(self, global: &Global) -> Result<Exit> {
        let what = format!("environment {}", self.environment);
        let define = DefineEnvironment {
            description: self.description,
            environment: self.environment,
        };
        let answer = global.client()?.post("/v1/environments", &define)?;
        global
            .output()
            .answer(&answer, |page| show::recorded(page, &what, &answer))?;
        Ok(Exit::Done)
    }
}

impl Show {
    fn run(self, global: &Global) -> Result<Exit> {
        let path = format!("/v1/environments/{}", self.environment);
        let at = self.at.as_ref().map(Moment::text);
        let query: Vec<_> = at.iter().map(|at| ("at", at.as_str())).collect();
        let answer = global.client()?.get(&path, &query)?;
        global.output().answer(&answer, |page| {
            page.fields([
                ("environment", text(&answer, "/environment")),
                ("at", time(&answer, "/at")),
                ("observed", time(&answer, "/taken")),
            ]);
            page.table(
                ["name", "artifact", "runs", "decision", "verdict", "from"],
                list(&answer, "/running").iter().map(running),
                "nothing was seen to run",
            );
            for finding in list(&answer, "/findings") {
                let what = page.style.bad("finding:");
                page.line(format!(
                    "{what} {} {}",
                    short(finding, "/fingerprint"),
                    text(finding, "/finding")
                ));
            }
        })?;
        Ok(Exit::Done)
    }
}

fn running(artifact: &Value) -> [String; 6] {
    let from = list(artifact, "/recorded_in").last();
    let from = from.map(|place| format!("{}/{}", text(place, "/flow"), text(place, "/trail")));
    [
        text(artifact, "/name"),
        short(artifact, "/fingerprint"),
        text(artifact, "/instances"),
        short(artifact, "/decision"),
        text(artifact, "/verdict"),
        from.unwrap_or_default(),
    ]
}

impl Log {
    fn run(self, global: &Global) -> Result<Exit> {
        let path = format!("/v1/environments/{}/deployments", self.environment);
        let limit = self.last.to_string();
        let answer = global.client()?.get(&path, &[("limit", &limit)])?;
        global.output().answer(&answer, |page| {
            page.table(
                ["reported", "name", "artifact", "flow", "decision"],
                list(&answer, "").iter().map(|entry| {
                    [
                        time(entry, "/recorded"),
                        text(entry, "/fields/name"),
                        short(entry, "/fields/fingerprint"),
                        text(entry, "/fields/flow"),
                        short(entry, "/fields/decision"),
                    ]
                }),
                "no deployment was reported",
            );
        })?;
        Ok(Exit::Done)
    }
}

impl Diff {
    fn run(self, global: &Global) -> Result<Exit> {
        let path = format!("/v1/environments/{}/diff", self.environment);
        let (from, to) = (self.from.text(), self.to.as_ref().map(Moment::text));
        let mut query = vec![("from", from.as_str())];
        query.extend(to.iter().map(|to| ("to", to.as_str())));
        let answer = global.client()?.get(&path, &query)?;
        global.output().answer(&answer, |page| {
            let (started, stopped) = (list(&answer, "/started"), list(&answer, "/stopped"));
            for fingerprint in stopped {
                page.line(page.style.bad(&format!("- {}", text(fingerprint, ""))));
            }
            for fingerprint in started {
                page.line(page.style.good(&format!("+ {}", text(fingerprint, ""))));
            }
            if started.is_empty() && stopped.is_empty() {
                page.line("the same runs");
            }
        })?;
        Ok(Exit::Done)
    }
}

impl List {
    fn run(self, global: &Global) -> Result<Exit> {
        let answer = global.client()?.get("/v1/environments", &[])?;
        global.output().answer(&answer, |page| {
            page.table(
                ["environment", "description"],
                list(&answer, "")
                    .iter()
                    .map(|found| [text(found, "/environment"), text(found, "/description")]),
                "there is no environment yet",
            );
        })?;
        Ok(Exit::Done)
    }
}
