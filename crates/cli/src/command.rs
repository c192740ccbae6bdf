//! What can be typed: one command or group of commands a file.

mod alias;
mod approval;
mod approve;
mod artifact;
mod attest;
mod checkpoint;
mod completion;
mod decide;
mod decision;
mod deployment;
mod entry;
mod environment;
mod export;
mod fingerprint;
mod flow;
mod health;
mod journal;
mod key;
mod permit;
mod person;
mod policy;
mod recover;
mod replay;
mod search;
mod serve;
mod trail;
mod trial;
pub(crate) mod verify;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand};

use crate::client::Client;
use crate::exit::Exit;
use crate::output::Output;

/// A black box recorder for software delivery: records, decides, proves.
#[derive(Debug, Parser)]
#[command(
    name = "trailmark",
    version,
    after_help = "Exit codes: 0 done or allowed, 1 could not be done, 2 wrong usage, 3 denied, 4 verification failed.",
    disable_help_subcommand = true
)]
pub(crate) struct Trailmark {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    global: Global,
}

/// What every command takes.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// The recorder.
    #[arg(
        long,
        global = true,
        env = "TRAILMARK_URL",
        default_value = "http://127.0.0.1:7070",
        help_heading = "Global options"
    )]
    url: String,
    /// The key to present; rather pass it in the environment or in a file, where nobody sees it.
    #[arg(
        long,
        global = true,
        env = "TRAILMARK_TOKEN",
        hide_env_values = true,
        help_heading = "Global options"
    )]
    token: Option<String>,
    /// A file that holds the key to present.
    #[arg(
        long,
        global = true,
        env = "TRAILMARK_TOKEN_FILE",
        value_name = "FILE",
        help_heading = "Global options"
    )]
    token_file: Option<PathBuf>,
    /// Prints the answer as one line of JSON.
    #[arg(
        long,
        global = true,
        env = "TRAILMARK_JSON",
        value_parser = FalseyValueParser::new(),
        help_heading = "Global options"
    )]
    json: bool,
}

impl Global {
    pub(crate) fn client(&self) -> Result<Client> {
        Client::new(&self.url, self.token()?)
    }

    pub(crate) const fn output(&self) -> Output {
        Output::new(self.json)
    }

    fn token(&self) -> Result<Option<String>> {
        if let Some(token) = self.token.as_ref().filter(|token| !token.is_empty()) {
            return Ok(Some(token.trim().to_owned()));
        }
        let Some(path) = &self.token_file else {
            return Ok(None);
        };
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("could not read the key in `{}`", path.display()))?;
        Ok(Some(text.trim().to_owned()))
    }
}

/// In the order in which a newcomer meets them.
#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    #[command(subcommand)]
    Flow(flow::Flow),
    #[command(subcommand)]
    Trail(trail::Trail),
    #[command(subcommand)]
    Artifact(artifact::Artifact),
    Attest(attest::Attest),
    Decide(decide::Decide),
    Trial(trial::Trial),
    #[command(subcommand)]
    Decision(decision::Decision),
    Approve(approve::Approve),
    #[command(subcommand)]
    Approval(approval::Approval),
    #[command(subcommand)]
    Permit(permit::Permit),
    #[command(subcommand, name = "env")]
    Environment(environment::Environment),
    #[command(subcommand)]
    Deployment(deployment::Deployment),
    Search(search::Search),
    #[command(subcommand)]
    Entry(entry::Entry),
    #[command(subcommand)]
    Policy(policy::Policy),
    #[command(subcommand)]
    Key(key::Key),
    #[command(subcommand)]
    Person(person::Person),
    #[command(subcommand)]
    Alias(alias::Alias),
    Fingerprint(fingerprint::Fingerprint),
    Export(export::Export),
    Verify(verify::Verify),
    Replay(replay::Replay),
    Checkpoint(checkpoint::Checkpoint),
    Health(health::Health),
    Recover(recover::Recover),
    #[command(subcommand)]
    Journal(journal::Journal),
    Completion(completion::Completion),
}

impl Trailmark {
    pub(crate) fn run(self) -> Result<Exit> {
        let global = &self.global;
        match self.command {
            Command::Serve(command) => command.run(global),
            Command::Flow(command) => command.run(global),
            Command::Trail(command) => command.run(global),
            Command::Artifact(command) => command.run(global),
            Command::Attest(command) => command.run(global),
            Command::Decide(command) => command.run(global),
            Command::Trial(command) => command.run(global),
            Command::Decision(command) => command.run(global),
            Command::Approve(command) => command.run(global),
            Command::Approval(command) => command.run(global),
            Command::Permit(command) => command.run(global),
            Command::Environment(command) => command.run(global),
            Command::Deployment(command) => command.run(global),
            Command::Search(command) => command.run(global),
            Command::Entry(command) => command.run(global),
            Command::Policy(command) => command.run(global),
            Command::Key(command) => command.run(global),
            Command::Person(command) => command.run(global),
            Command::Alias(command) => command.run(global),
            Command::Fingerprint(command) => command.run(global),
            Command::Export(command) => command.run(global),
            Command::Verify(command) => command.run(global),
            Command::Replay(command) => command.run(global),
            Command::Checkpoint(command) => command.run(global),
            Command::Health(command) => command.run(global),
            Command::Recover(command) => command.run(global),
            Command::Journal(command) => command.run(global),
            Command::Completion(command) => command.run(),
        }
    }
}
