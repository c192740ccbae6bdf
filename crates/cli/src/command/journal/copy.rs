use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::Args;
use model::JournalId;
use serde_json::json;
use store::transfer::{CopyError, Extent, Origin, Progress, Target};
use store::{SqliteOrigin, SqliteTarget};

use super::home::Home;
use crate::command::Global;
use crate::command::serve::journal::{checkpoint_file, failure};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output;

/// How often it is said how far a long copy is.
const TOLD_EVERY: Duration = Duration::from_secs(5);

/// Moves a whole journal to another home, verified as it goes, with every byte kept and nothing signed again.
///
/// It can be stopped, and typed again to go on. What is recorded meanwhile follows with the next run. Stop whatever writes
/// to the old home before the last run, which compares the two and lets the new one be opened: `--last`.
///
/// Keys do not move: put them into the new home yourself. Which ones is printed.
#[derive(Debug, Args)]
pub(crate) struct Copy {
    /// The old home: `DIR` or `aws:TABLE/BUCKET`.
    from: Home,
    /// The new home: `DIR` or `aws:TABLE/BUCKET`.
    to: Home,
    /// The old home is stopped for good: this run is the last.
    #[arg(long)]
    last: bool,
    /// The journal's id, where the old home is on AWS and so may hold many.
    #[arg(long, env = "TRAILMARK_JOURNAL", value_name = "ID")]
    journal: Option<JournalId>,
    /// Where the newest checkpoint of a data folder is kept that is copied from, as for `serve`.
    #[arg(long, env = "TRAILMARK_CHECKPOINT_FILE", value_name = "FILE")]
    checkpoint_file: Option<PathBuf>,
    #[cfg(feature = "aws")]
    #[command(flatten)]
    cloud: super::home::Cloud,
}

impl Copy {
    pub(super) async fn run(self, global: &Global) -> Result<Exit> {
        if self.from == self.to {
            return Err(Failure::usage("the two homes are the same").into());
        }
        let from = self.origin().await?;
        let mut to = self.target(from.journal()).await?;
        let extent = if self.last {
            Extent::Whole
        } else {
            Extent::SoFar
        };
        let mut told = Instant::now();
        let mut tell = |progress: Progress| {
            if told.elapsed() >= TOLD_EVERY {
                told = Instant::now();
                output::note(format!("{} of {} entries", progress.copied, progress.total));
            }
        };
        let copied = store::transfer::copy(from.as_ref(), to.as_mut(), extent, &mut tell).await;
        let copied = copied.map_err(|error| self.failure(error))?;
        let journal = from.journal();
        let (log_key, permit_key) = (copied.log_key.to_string(), copied.permit_key.to_string());
        let answer = json!({
            "journal": journal, "size": copied.size, "root": copied.root.to_string(), "written": copied.written,
            "finished": self.last, "log_key": log_key, "permit_key": permit_key,
        });
        global.output().answer(&answer, |page| {
            page.fields([
                ("journal", format!("{journal} in {}", self.to)),
                ("entries", format!("{}, {} of them new", copied.size, copied.written)),
                ("root", copied.root.to_string()),
                ("log key", log_key.clone()),
                ("permit key", permit_key.clone()),
            ]);
            page.line(if self.last {
                "The two are the same. Give the new home the secrets of these keys, and do not start the old one again."
            } else {
                "Stop the old home, and copy once more with --last: then the new one can be opened."
            });
        })?;
        Ok(Exit::Done)
    }

    async fn origin(&self) -> Result<Box<dyn Origin>> {
        match &self.from {
            Home::Folder(folder) => {
                let failed = |error| failure(folder, error);
                let origin = SqliteOrigin::open(folder).map_err(failed)?;
                let outside = checkpoint_file(self.checkpoint_file.clone(), origin.journal())?;
                origin.check_outside(&outside).map_err(failed)?;
                Ok(Box::new(origin))
            }
            #[cfg(feature = "aws")]
            Home::Aws { table, bucket } => {
                use store::aws::{DynamoOrigin, Settings};
                let Some(journal) = &self.journal else {
                    return Err(
                        Failure::usage("which of the journals in the old home is meant?")
                            .with_hint("name its id: `--journal`")
                            .into(),
                    );
                };
                let address = self.cloud.address(table, bucket);
                let settings = Settings::new(address, self.cloud.clients().await, journal.clone());
                let origin = DynamoOrigin::open(&settings).await;
                let failed = |error| super::home::aws_failure(&self.from, journal, error);
                Ok(Box::new(origin.map_err(failed)?))
            }
            #[cfg(not(feature = "aws"))]
            Home::Aws { .. } => Err(without_aws().into()),
        }
    }

    async fn target(&self, journal: &JournalId) -> Result<Box<dyn Target>> {
        match &self.to {
            Home::Folder(folder) => {
                let target = SqliteTarget::open(folder, journal);
                Ok(Box::new(target.map_err(|error| failure(folder, error))?))
            }
            #[cfg(feature = "aws")]
            Home::Aws { table, bucket } => {
                let address = self.cloud.address(table, bucket);
                let clients = self.cloud.clients().await;
                let target = store::aws::DynamoTarget::open(&clients, &address, journal).await;
                let failed = |error| super::home::aws_failure(&self.to, journal, error);
                Ok(Box::new(target.map_err(failed)?))
            }
            #[cfg(not(feature = "aws"))]
            Home::Aws { .. } => Err(without_aws().into()),
        }
    }

    fn failure(&self, error: CopyError) -> Failure {
        let hint = match &error {
            CopyError::Waiting(_) => {
                Some("stop whatever writes to the old home, let it seal, and type this again")
            }
            CopyError::Forked { .. } | CopyError::Ahead { .. } => {
                Some("the new home holds something else: name another")
            }
            CopyError::Put(_) => Some("type this again to go on"),
            _ => None,
        };
        let what = format!("could not copy `{}` to `{}`", self.from, self.to);
        let failure = Failure::new(Exit::of(error.class()), what).because(error);
        match hint {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }
}

#[cfg(not(feature = "aws"))]
fn without_aws() -> Failure {
    Failure::usage("this `trailmark` was built without AWS")
        .with_hint("build it with its default features")
}
