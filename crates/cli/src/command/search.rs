use anyhow::Result;
use clap::Args;

use super::Global;
use crate::answer::{list, text, time};
use crate::exit::Exit;

/// Searches commits and artifacts by the beginning of their hexadecimal names.
#[derive(Debug, Args)]
pub(crate) struct Search {
    /// At least four digits of a commit or a fingerprint.
    #[arg(value_name = "COMMIT|FINGERPRINT")]
    prefix: String,
}

impl Search {
    pub(crate) fn run(self, global: &Global) -> Result<Exit> {
        let query = [("q", self.prefix.as_str())];
        let answer = global.client()?.get("/v1/search", &query)?;
        global.output().answer(&answer, |page| {
            let (artifacts, commits) = (list(&answer, "/artifacts"), list(&answer, "/commits"));
            for artifact in artifacts {
                page.line(format!("artifact  {}", text(artifact, "")));
            }
            for commit in commits {
                page.line(format!("commit  {}", text(commit, "/commit")));
                for trail in list(commit, "/trails") {
                    page.line(format!(
                        "  trail  {}/{}  begun {}",
                        text(trail, "/flow"),
                        text(trail, "/trail"),
                        time(trail, "/begun")
                    ));
                }
                for artifact in list(commit, "/artifacts") {
                    page.line(format!("  artifact  {}", text(artifact, "")));
                }
            }
            if artifacts.is_empty() && commits.is_empty() {
                page.line("nothing begins so");
            }
        })?;
        Ok(Exit::Done)
    }
}
