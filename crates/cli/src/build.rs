//! What is said of a build: on the command line, else by the CI system, else by git.

use anyhow::Result;
use clap::Args;
use model::CommitId;

use crate::ci;
use crate::failure::Failure;
use crate::git;

/// Where something was built, and from what.
#[derive(Debug, Args)]
pub(crate) struct BuildArguments {
    /// The commit [default: that of the CI system, or HEAD].
    #[arg(long)]
    commit: Option<CommitId>,
    /// The commit's repository [default: that of the CI system, or git's `origin`].
    #[arg(long, value_name = "URL")]
    repository: Option<String>,
    /// Where the build can be looked at [default: that of the CI system].
    #[arg(long, value_name = "URL")]
    build_url: Option<String>,
}

/// A build, as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Build {
    pub(crate) builder: Option<String>,
    pub(crate) build_url: Option<String>,
    pub(crate) commit: Option<CommitId>,
    pub(crate) repository: Option<String>,
}

impl BuildArguments {
    /// Fills in what is not said.
    pub(crate) fn complete(self) -> Result<Build> {
        let ci = ci::of_this_process();
        let of_ci = || match &ci.commit {
            Some(text) => text.parse().map(Some).map_err(|error| {
                Failure::usage("the CI system names something else than a commit")
                    .because(error)
                    .with_hint("name it: `--commit`")
            }),
            None => Ok(git::head()),
        };
        let commit = match self.commit {
            Some(commit) => Some(commit),
            None => of_ci()?,
        };
        let repository = self.repository.or(ci.repository).or_else(git::repository);
        Ok(Build {
            builder: ci.builder,
            build_url: self.build_url.or(ci.build_url),
            commit,
            repository: repository.map(|url| ci::without_credentials(&url)),
        })
    }
}
