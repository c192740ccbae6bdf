use anyhow::Result;
use clap::Args;
use serde_json::json;

use super::Global;
use crate::exit::Exit;
use crate::show;

/// Makes a journal that lost entries take writes again, and records what was lost.
#[derive(Debug, Args)]
pub(crate) struct Recover {
    /// What happened.
    #[arg(long)]
    reason: String,
}

impl Recover {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        let because = json!({ "reason": self.reason });
        let answer = global.client()?.post("/v1/recovery", &because)?;
        global
            .output()
            .answer(&answer, |page| show::recorded(page, "recovery", &answer))?;
        Ok(Exit::Done)
    }
}
