use anyhow::Result;
use clap::Args;
use store::aws::{self, Finding};

use super::home::OnAws;
use crate::argument::{Moment, now_ms};
use crate::command::Global;
use crate::exit::Exit;
use crate::output::printable;

/// Looks for what sealing owes: entries that missed the time that was promised for them, seals that do not hold together.
///
/// It writes nothing, and needs no key. Exits with 4 when it finds something.
#[derive(Debug, Args)]
pub(crate) struct Monitor {
    #[command(flatten)]
    on: OnAws,
    /// From when on.
    #[arg(long, value_name = "MOMENT", default_value = "1d")]
    since: Moment,
}

impl Monitor {
    pub(super) async fn run(self, global: &Global) -> Result<Exit> {
        let clients = self.on.cloud.clients().await;
        // That there is a journal at all.
        let opened = aws::Dynamo::open(&self.on.settings(&clients)?).await;
        opened.map_err(|error| super::home::aws_failure(&self.on.home, &self.on.journal, error))?;
        let monitor = aws::Monitor::new(&clients, &self.on.address()?, &self.on.journal);
        let watched = monitor.look(self.since.ms, now_ms()).await;
        let watched = watched.map_err(|error| self.on.unread(error))?;
        global.output().answer(&watched, |page| {
            for finding in &watched.findings {
                let told = serde_json::to_string(finding).unwrap_or_default();
                page.line(printable(&told));
            }
            page.line(format!(
                "{} entries and {} seals looked at, {} entries wait, {} findings",
                watched.entries,
                watched.seals,
                watched.waiting,
                watched.findings.len()
            ));
        })?;
        let harmless = |finding: &Finding| matches!(finding, Finding::Stray { .. });
        Ok(if watched.findings.iter().all(harmless) {
            Exit::Done
        } else {
            Exit::Unverified
        })
    }
}
