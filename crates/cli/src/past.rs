//! What `replay` and `policy impact` share: a journal to read, policies to run, a bar to watch.

use std::io::{BufRead, BufReader, IsTerminal as _, Write as _};
use std::num::NonZero;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use journal::note::Vkey;
use journal::verify::{self, Pin, VerifiedBundle};
use policy::stock;
use recorder::Policies;

use crate::command::Global;
use crate::command::verify::{open, wrong};
use crate::compiled;

/// Between two looks of the bar.
const BAR_EVERY: Duration = Duration::from_millis(100);
const BAR_WIDTH: usize = 30;

/// Where the past is read from, and how many go through it.
#[derive(Debug, Args)]
pub(crate) struct Journal {
    /// A bundle, as `trailmark export` writes it [default: the recorder is asked for its whole journal].
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// The journal's log key, from somewhere else than the bundle: `name+id+base64`.
    #[arg(long, env = "TRAILMARK_LOG_KEY", value_name = "VKEY")]
    key: Option<Vkey>,
    /// How many work at once [default: one for each processor].
    #[arg(long, value_name = "NUMBER")]
    pub(crate) threads: Option<NonZero<usize>>,
}

impl Journal {
    /// Reads and verifies the journal, wherever it is: nothing that was not proved is looked at.
    pub(crate) fn read(&self, global: &Global) -> Result<VerifiedBundle> {
        match &self.bundle {
            Some(path) => self.verified(open(path)?),
            None => {
                let bundle = global.client()?.download("/v1/export", &[])?;
                self.verified(BufReader::with_capacity(1 << 16, bundle))
            }
        }
    }

    fn verified(&self, bundle: impl BufRead) -> Result<VerifiedBundle> {
        let pin = Pin {
            checkpoint: None,
            log_key: self.key.clone(),
        };
        Ok(verify::open_for_replay(bundle, &pin).map_err(wrong)?)
    }
}

/// Sets up a place for policies, whose compiled code is kept for the next time.
pub(crate) fn policies() -> Result<Policies> {
    Ok(Policies::new(stock::engine().into(), compiled::cache())?)
}

/// A bar on standard error, where that is a terminal.
pub(crate) struct Bar {
    total: usize,
    done: usize,
    shown: Option<Instant>,
    terminal: bool,
}

impl Bar {
    pub(crate) fn of(total: usize) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
        Self {
            total,
            done: 0,
            shown: None,
            terminal: std::io::stderr().is_terminal() && !dumb,
        }
    }

    /// Counts one more.
    pub(crate) fn step(&mut self) {
        self.done += 1;
        let is_due = self.shown.is_none_or(|shown| shown.elapsed() >= BAR_EVERY);
        if self.terminal && is_due {
            self.shown = Some(Instant::now());
            self.show(&format!("\r{}", bar(self.done, self.total)));
        }
    }

    fn show(&self, text: &str) {
        // A bar that nobody sees is not missed.
        let mut out = std::io::stderr().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }
}

impl Drop for Bar {
    /// Leaves nothing behind.
    fn drop(&mut self) {
        if self.shown.is_some() {
            self.show("\r\u{1b}[2K");
        }
    }
}

fn bar(done: usize, total: usize) -> String {
    let part = |of: usize| done.saturating_mul(of) / total.max(1);
    let full = "#".repeat(part(BAR_WIDTH).min(BAR_WIDTH));
    format!(
        "[{full:-<BAR_WIDTH$}] {:>3} %  {done} of {total} decisions",
        part(100)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills_from_left_to_right() {
        assert_eq!(
            bar(0, 2),
            format!("[{}]   0 %  0 of 2 decisions", "-".repeat(30))
        );
        let half = format!(
            "[{}{}]  50 %  1 of 2 decisions",
            "#".repeat(15),
            "-".repeat(15)
        );
        assert_eq!(bar(1, 2), half);
        assert_eq!(
            bar(2, 2),
            format!("[{}] 100 %  2 of 2 decisions", "#".repeat(30))
        );
        assert!(bar(0, 0).contains("0 of 0"));
    }
}
