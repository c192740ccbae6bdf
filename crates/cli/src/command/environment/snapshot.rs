use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, Result};
use clap::Args;
use model::Name;
use recorder::{Running, TakeSnapshot};

use crate::answer::{list, short, text};
use crate::command::Global;
use crate::exit::Exit;
use crate::show;
use crate::subject::{self, Artifact};

/// Records what is observed to run in an environment.
///
/// What is not named has stopped.
#[derive(Debug, Args)]
pub(crate) struct Snapshot {
    /// The environment.
    #[arg(env = "TRAILMARK_ENVIRONMENT")]
    environment: Name,
    #[command(flatten)]
    observed: Observed,
}

/// What was observed.
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct Observed {
    /// A file that runs there, or a directory of which each item does.
    #[arg(long = "path", value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// An artifact that runs there: a fingerprint, or a file or directory as one; and what it is called there.
    #[arg(long = "artifact", value_name = "ARTIFACT=NAME")]
    artifacts: Vec<Called>,
    /// Records that nothing runs there.
    #[arg(long, conflicts_with_all = ["paths", "artifacts"])]
    nothing: bool,
}

/// An artifact with what it is called in the environment.
#[derive(Debug, Clone)]
struct Called {
    artifact: Artifact,
    name: Option<String>,
}

impl FromStr for Called {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let (artifact, name) = match text.split_once('=') {
            Some((artifact, name)) => (artifact, Some(name.to_owned())),
            None => (text, None),
        };
        Ok(Self {
            artifact: artifact.parse()?,
            name,
        })
    }
}

impl Snapshot {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let mut artifacts = Vec::new();
        for called in self.observed.artifacts {
            artifacts.push(named(called)?);
        }
        for path in &self.observed.paths {
            observe(path, &mut artifacts)?;
        }
        let count = artifacts.len();
        let take = TakeSnapshot {
            artifacts,
            environment: self.environment,
        };
        let answer = global.client()?.post("/v1/snapshots", &take)?;
        let what = format!("snapshot of {}: {count} artifacts", take.environment);
        global.output().answer(&answer, |page| {
            show::recorded(page, &what, &answer);
            for sighting in list(&answer, "/sightings") {
                page.line(format!(
                    "{} {}",
                    text(sighting, "/change"),
                    short(sighting, "/fingerprint")
                ));
            }
            if !text(&answer, "/same_as").is_empty() {
                page.line(format!(
                    "the same as in entry {}",
                    short(&answer, "/same_as")
                ));
            }
        })?;
        Ok(Exit::Done)
    }
}

fn named(called: Called) -> Result<Running> {
    let name = match (called.name, &called.artifact) {
        (Some(name), _) => name,
        (None, Artifact::Path(path)) => path.display().to_string(),
        (None, Artifact::Fingerprint(fingerprint)) => fingerprint.to_string(),
    };
    Ok(running(called.artifact.fingerprint()?, name))
}

/// Takes a file, or each item of a directory, in the order of their names.
fn observe(path: &Path, artifacts: &mut Vec<Running>) -> Result<()> {
    if !path.is_dir() {
        artifacts.push(running(subject::of_path(path)?, path.display().to_string()));
        return Ok(());
    }
    let unreadable = || format!("could not read `{}`", path.display());
    let mut items = Vec::new();
    for item in std::fs::read_dir(path).with_context(unreadable)? {
        items.push(item.with_context(unreadable)?.path());
    }
    items.sort_unstable();
    for item in items {
        artifacts.push(running(
            subject::of_path(&item)?,
            item.display().to_string(),
        ));
    }
    Ok(())
}

const fn running(fingerprint: model::Fingerprint, name: String) -> Running {
    Running {
        fingerprint,
        instances: 1,
        name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_observed_item_by_item_and_a_file_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("b");
        std::fs::create_dir(&inside).unwrap();
        std::fs::write(folder.path().join("a"), "a").unwrap();
        let mut seen = Vec::new();
        observe(folder.path(), &mut seen).unwrap();
        observe(&folder.path().join("a"), &mut seen).unwrap();
        let names: Vec<_> = seen
            .iter()
            .map(|running| &running.name[folder.path().as_os_str().len()..])
            .collect();
        assert_eq!(names, ["/a", "/b", "/a"]);
        assert_eq!(seen[0].fingerprint, seen[2].fingerprint);
        assert!(observe(&folder.path().join("c"), &mut seen).is_err());
    }
}
