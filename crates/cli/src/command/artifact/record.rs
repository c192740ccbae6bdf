use anyhow::{Context as _, Result};
use clap::Args;
use evidence::provenance::{Material, Provenance};
use model::Fingerprint;
use recorder::{Event, RecordArtifact};

use super::change::{Change, Since};
use crate::argument::{OnTrail, Once};
use crate::build::BuildArguments;
use crate::command::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::show;
use crate::subject::Artifact;

/// What builds where no CI system says so.
const BUILDER: &str = "local";

/// Records an artifact with its provenance.
///
/// The commits since the artifact before it and their authors come from the git repository in the working directory. Whoever took part in one of
/// them cannot approve the change.
#[derive(Debug, Args)]
pub(crate) struct Record {
    /// A file or directory, or a fingerprint (then with `--name`).
    artifact: Artifact,
    #[command(flatten)]
    on: OnTrail,
    /// What it is called [default: the file's name].
    #[arg(long)]
    name: Option<String>,
    #[command(flatten)]
    build: BuildArguments,
    /// What builds it [default: the CI system, or `local`].
    #[arg(long)]
    builder: Option<String>,
    /// The artifact that its commits begin after [default: the flow's last one of the same name].
    #[arg(long, value_name = "FINGERPRINT")]
    previous: Option<Fingerprint>,
    /// The revision that its commits begin after [default: the commit of the artifact before it].
    #[arg(long, value_name = "REV")]
    commits_since: Option<String>,
    /// Lists no commits: then nobody can approve the change.
    #[arg(long, conflicts_with = "commits_since")]
    no_commits: bool,
    /// Something that it was made from.
    #[arg(long = "material", value_name = "URI=sha256:…", value_parser = material)]
    materials: Vec<Material>,
    /// For an image index: the fingerprint of one of its platforms.
    #[arg(long, value_name = "FINGERPRINT")]
    contains: Vec<Fingerprint>,
    #[command(flatten)]
    once: Once,
}

impl Record {
    pub(super) fn run(self, global: &Global) -> Result<Exit> {
        let client = global.client()?;
        let fingerprint = self.artifact.fingerprint()?;
        let name = self.name.or_else(|| self.artifact.file_name());
        let name = name.ok_or_else(|| missing("what the artifact is called", "--name"))?;
        let build = self.build.complete()?;
        let commit = build
            .commit
            .ok_or_else(|| missing("the commit that the artifact was built from", "--commit"))?;
        let repository = build
            .repository
            .ok_or_else(|| missing("the repository of the commit", "--repository"))?;
        let since = match (self.no_commits, self.commits_since) {
            (true, _) => Since::Nothing,
            (false, Some(revision)) => Since::Revision(revision),
            (false, None) => Since::Previous,
        };
        let change = Change::find(
            &client,
            &self.on,
            (&fingerprint, &name),
            &commit,
            self.previous,
            since,
        )?;
        let what = format!("artifact {name}");
        let event = Event::Artifact(RecordArtifact {
            fingerprint,
            flow: self.on.flow,
            name,
            provenance: Provenance {
                build_url: build.build_url,
                builder: self
                    .builder
                    .or(build.builder)
                    .unwrap_or_else(|| BUILDER.to_owned()),
                commit,
                commits: change.commits,
                contains: self.contains,
                materials: self.materials,
                previous: change.previous,
                repository,
            },
            trail: self.on.trail,
        });
        let answer = client.record(&event, &self.once.key()?)?;
        global.output().answer(&answer, |page| {
            show::recorded(page, &what, &answer);
            page.fields([("fingerprint", fingerprint.to_string())]);
        })?;
        Ok(Exit::Done)
    }
}

fn missing(what: &str, flag: &str) -> Failure {
    Failure::usage(format!("{what} is not known")).with_hint(format!("name it: `{flag}`"))
}

/// Reads `URI=ALGORITHM:DIGITS`. A URI may hold `=` too, a digest does not.
fn material(text: &str) -> Result<Material> {
    let (uri, digest) = text
        .rsplit_once('=')
        .context("a material is written `URI=sha256:…`")?;
    Ok(Material {
        digest: digest.to_owned(),
        uri: uri.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_material_is_a_uri_and_a_digest() {
        let material = material("pkg:cargo/a?x=y=sha256:00").unwrap();
        assert_eq!(material.uri, "pkg:cargo/a?x=y");
        assert_eq!(material.digest, "sha256:00");
        assert!(super::material("pkg:cargo/a").is_err());
    }
}
