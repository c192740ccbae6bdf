//! The `trailmark` command: server, client, offline verifier.
//!
//! One command a file, under `command/`. A client command sends one request and shows the answer; it knows HTTP and
//! JSON, and nothing of stores. `serve` puts the server together. `verify`, `replay` and `permit verify` need no server
//! and no network.

mod answer;
mod argument;
mod build;
mod ci;
mod client;
mod command;
mod compiled;
mod exit;
mod failure;
mod file;
mod folder;
mod git;
mod output;
mod package;
mod past;
mod registry;
mod secret;
mod show;
mod signature;
mod subject;
mod upload;
mod workshop;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let exit = command::Trailmark::parse()
        .run()
        .unwrap_or_else(|error| failure::report(&error));
    exit.into()
}
