//! The demo: one commit of this repository walks to production, recorded, decided and provable.
//!
//! Everything in it is real: this repository's own commit, its own built program, the report of its own tests. [`tale`]
//! is what happens; [`story`] tells it; [`trailmark`] types the commands, [`server`] runs the recorder, [`own_tests`]
//! and [`scan`] make the evidence.

use std::path::Path;

use anyhow::{Context, Result};

use crate::{guests, process, scratch::Scratch, steps::Steps, tools};

mod commit;
mod junit;
mod libtest;
mod own_tests;
mod scan;
mod server;
mod story;
mod tale;
mod trailmark;

use server::Server;
use story::Story;
use trailmark::Trailmark;

/// What `trailmark serve` says when it takes requests, and before the token of a new journal's first admin.
const READY: &str = "listening on";
const FIRST_KEY: &str = "first admin key: ";

/// One person plays every part, so the journal's genesis says that keys speak for people, and that one may bind policies.
const SERVE: [&str; 3] = ["serve", "--people-by-key", "--solo"];

/// Builds what the story needs, then tells it.
pub fn run(root: &Path) -> Result<()> {
    build(root)?;
    let scratch = Scratch::fresh(root, "demo")?;
    let mut story = Story::to_terminal();
    let stranger = Trailmark::new(root, &scratch);

    story.step("The black box starts, on a fresh data folder")?;
    story.typed(&format!("{} &", trailmark::typed(&SERVE)))?;
    let server = Server::start(&mut stranger.command(&SERVE), &scratch, READY)?;
    story.answered(&server.said.join("\n"), 0)?;
    let token = server
        .said
        .iter()
        .find_map(|line| line.strip_prefix(FIRST_KEY));
    let admin = stranger.with_token(token.context("the server did not print the first admin key")?);
    tale::tell(root, &mut story, admin)?;

    story.step("The black box stops, and loses nothing that it acknowledged")?;
    server.stop()?;
    story.end("From commit to production: recorded, decided, provable.")?;
    Ok(())
}

fn build(root: &Path) -> Result<()> {
    tools::c_compiler()?;
    let mut steps = Steps::of(3);
    steps.step("guests", || guests::build(root))?;
    steps.step("build", || {
        process::run(process::cargo(root).args(["build", "--workspace", "--locked"]))
    })?;
    steps.step("compile this repository's own tests", || {
        own_tests::build(root)
    })?;
    steps.finish("build");
    Ok(())
}
