use anyhow::Result;
use clap::Args;
use model::EntryHash;
use serde_json::json;

use crate::command::Global;
use crate::exit::Exit;
use crate::show::recorded;

/// Takes an exception back. One person is enough: nothing is laxer for it.
#[derive(Debug, Args)]
pub(crate) struct Withdraw {
    /// The exception's entry.
    exception: EntryHash,
    /// Why.
    #[arg(long)]
    reason: String,
}

impl Withdraw {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let path = format!("/v1/exceptions/{}/withdrawal", self.exception);
        let because = json!({ "reason": self.reason });
        let answer = global.client()?.post(&path, &because)?;
        global.output().answer(&answer, |page| {
            recorded(page, "withdrawal of the exception", &answer);
        })?;
        Ok(Exit::Done)
    }
}
