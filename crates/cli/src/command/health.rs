use anyhow::Result;
use clap::Args;

use super::Global;
use crate::answer::text;
use crate::exit::Exit;

/// Asks whether the recorder is well.
///
/// Exits with 1 when it takes no writes.
#[derive(Debug, Args)]
pub(crate) struct Health {}

impl Health {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        let (well, answer) = global.client()?.get_health("/healthz")?;
        global.output().answer(&answer, |page| {
            page.fields([
                ("status", text(&answer, "/status")),
                ("entries", text(&answer, "/size")),
                ("because", text(&answer, "/read_only")),
            ]);
        })?;
        Ok(if well { Exit::Done } else { Exit::Failed })
    }
}
