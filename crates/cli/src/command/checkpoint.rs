use anyhow::Result;
use clap::Args;
use serde_json::json;

use super::Global;
use crate::exit::Exit;

/// Prints the newest checkpoint of the log, signed.
///
/// Whoever keeps one notices when the journal is rewritten.
#[derive(Debug, Args)]
pub(crate) struct Checkpoint {}

impl Checkpoint {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        let note = global.client()?.get_text("/checkpoint")?;
        global
            .output()
            .answer(&json!({ "checkpoint": note }), |page| page.line(&note))?;
        Ok(Exit::Done)
    }
}
