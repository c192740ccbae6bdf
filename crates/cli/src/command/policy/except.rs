use anyhow::Result;
use clap::Args;
use model::kind::ExceptionScope;
use model::{EntryHash, Name};
use recorder::GrantException;

use crate::answer::text;
use crate::argument::Coming;
use crate::command::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::show::recorded;
use crate::subject::Artifact;

/// Excepts an artifact or a flow from what a binding demands, for a while.
///
/// Only a person can. Without `solo` it is in force once a second person endorsed it. It does not count for a change that
/// whoever granted or endorsed it authored, committed or built.
#[derive(Debug, Args)]
pub(crate) struct Except {
    /// The binding's entry.
    binding: EntryHash,
    #[command(flatten)]
    subject: Subject,
    /// Where the artifact is to run.
    #[arg(long, env = "TRAILMARK_ENVIRONMENT")]
    environment: Name,
    /// The one control that is excepted [default: all that the policy demands].
    #[arg(long)]
    control: Option<Name>,
    /// Why.
    #[arg(long)]
    reason: String,
    /// When it ends: a date and time, or a span of time from now; 90 days at most.
    #[arg(long, value_name = "TIME")]
    until: Coming,
}

/// For what an exception is.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Subject {
    /// For an artifact: a fingerprint, or a file or directory.
    #[arg(long)]
    artifact: Option<Artifact>,
    /// For the artifacts of this flow.
    #[arg(long)]
    flow: Option<Name>,
}

impl Except {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let artifact = self.subject.artifact.as_ref();
        let artifact = artifact.map(Artifact::fingerprint).transpose()?;
        let scope = match (artifact, self.subject.flow) {
            (Some(artifact), _) => ExceptionScope::Artifact(artifact),
            (None, Some(flow)) => ExceptionScope::Flow(flow),
            (None, None) => return Err(Failure::usage("name an artifact or a flow").into()),
        };
        let grant = GrantException {
            binding: self.binding,
            control: self.control,
            environment: self.environment,
            expires_ms: self.until.ms,
            reason: self.reason,
            scope,
        };
        let answer = global.client()?.post("/v1/exceptions", &grant)?;
        global.output().answer(&answer, |page| {
            recorded(page, "exception", &answer);
            page.fields([("exception", text(&answer, "/entry"))]);
        })?;
        Ok(Exit::Done)
    }
}
