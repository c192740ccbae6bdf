use anyhow::Result;
use clap::Args;
use serde_json::json;

use super::Global;
use crate::exit::Exit;
use crate::show;

/// Makes a journal take writes again after it lost entries or its clock was ahead, on record
#[derive(Debug, Args)]
pub(crate) struct Recover {
    /// Corrects the time: entries that a clock stamped which was ahead stay as they are.
    #[arg(long)]
    clock: bool,
    /// What happened.
    #[arg(long)]
    reason: String,
}

impl Recover {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        let because = json!({ "reason": self.reason });
        let (path, what) = match self.clock {
            true => ("/v1/clock-correction", "clock correction"),
            false => ("/v1/recovery", "recovery"),
        };
        let answer = global.client()?.post(path, &because)?;
        global
            .output()
            .answer(&answer, |page| show::recorded(page, what, &answer))?;
        Ok(Exit::Done)
    }
}
