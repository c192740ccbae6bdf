use std::io::IsTerminal as _;

use anyhow::Result;
use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

/// What is logged, in the words of `tracing-subscriber`: `info`, `trailmark=debug,warn` …
const VARIABLE: &str = "TRAILMARK_LOG";
const DEFAULT: &str = "info";

/// How the log is written.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(super) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

/// Begins to log to standard error.
pub(super) fn start(format: LogFormat) -> Result<()> {
    let asked = std::env::var(VARIABLE).unwrap_or_default();
    let asked = if asked.is_empty() { DEFAULT } else { &asked };
    let filter = EnvFilter::try_new(asked).map_err(|error| {
        Failure::usage(format!("`{VARIABLE}` is not of its form"))
            .because(error)
            .with_hint("for example `info` or `debug`")
    })?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    match format {
        LogFormat::Text => {
            let coloured =
                std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            builder.with_ansi(coloured).with_target(false).init();
        }
        LogFormat::Json => builder.json().flatten_event(true).with_target(false).init(),
    }
    Ok(())
}
