//! The demo: one commit of this repository walks to production, recorded, decided and provable.
//!
//! Everything in it is real: this repository's own commit, its own built program, the report of its own tests. The
//! story is told by [`story`]; [`trailmark`] types the commands, [`server`] runs the recorder, [`own_tests`] and
//! [`scan`] make the evidence.

use std::path::Path;

use anyhow::{Context, Result};

use crate::{guests, process, scratch::Scratch, steps::Steps, tools};

mod junit;
mod libtest;
mod own_tests;
mod scan;
mod server;
mod story;
mod trailmark;

use server::Server;
use story::Story;
use trailmark::{Exit, Trailmark};

/// The line by which the server says that it takes requests.
const READY: &str = "listening on";

/// Builds what the story needs, then tells it.
pub fn run(root: &Path) -> Result<()> {
    build(root)?;
    let scratch = Scratch::fresh(root, "demo")?;
    let mut story = Story::to_terminal();
    let trailmark = Trailmark::new(root, &scratch);

    story.step("The black box starts, on a fresh data folder")?;
    story.typed("trailmark serve &")?;
    let server = Server::start(&mut trailmark.command(&["serve"]), &scratch, READY)?;
    story.answered(&server.said.join("\n"), 0)?;

    story.step("The repository's own tests run")?;
    let ran = own_tests::run(root, &scratch.folder.join("junit.xml"))?;
    story.say(&format!(
        "{} tests of {} programs ran, really; their report is target/demo/junit.xml",
        ran.tests, ran.suites
    ))?;

    story.step("Its files are scanned")?;
    let leaks = scan::run(
        root,
        &scan::tracked_files(root)?,
        &scratch.folder.join("scan.sarif"),
    )?;
    story.say(&format!(
        "{} private keys found; the report is target/demo/scan.sarif",
        leaks.len()
    ))?;

    server.stop()?;
    story.end("That was the whole way.")?;
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
