//! The commits that come with an artifact: those since the artifact before it in the flow.

use anyhow::{Context as _, Result};
use evidence::provenance::AuthoredCommit;
use model::{CommitId, Fingerprint};
use serde_json::Value;

use crate::answer::{list, text};
use crate::argument::OnTrail;
use crate::client::Client;
use crate::failure::Failure;
use crate::git;
use crate::output::note;

/// The newest trails in which the artifact before is looked for.
const TRAILS_MAX: usize = 50;

/// After what the commits begin.
pub(super) enum Since {
    /// Nothing: no commits are listed.
    Nothing,
    /// The commit of the artifact before.
    Previous,
    /// A revision that git knows.
    Revision(String),
}

/// What came with an artifact.
pub(super) struct Change {
    pub(super) commits: Vec<AuthoredCommit>,
    pub(super) previous: Option<Fingerprint>,
}

/// An artifact of the flow, and the commit that it was built from.
struct Built {
    fingerprint: Fingerprint,
    commit: CommitId,
}

impl Change {
    pub(super) fn find(
        client: &Client,
        on: &OnTrail,
        artifact: (&Fingerprint, &str),
        commit: &CommitId,
        previous: Option<Fingerprint>,
        since: Since,
    ) -> Result<Self> {
        if matches!(since, Since::Nothing) {
            return Ok(Self {
                commits: Vec::new(),
                previous,
            });
        }
        let before = match previous {
            Some(fingerprint) => Some(built(client, on, fingerprint)?),
            None => last_built(client, on, artifact, commit)?,
        };
        let from = match &since {
            Since::Revision(revision) => Some(named(revision)?),
            _ => before.as_ref().map(|built| built.commit.clone()),
        };
        if git::commit(commit.as_str()).is_none() {
            note(format_args!(
                "commit `{commit}` is not in this directory's repository: its authors are not recorded, and nobody can approve the change"
            ));
            return Ok(Self {
                commits: Vec::new(),
                previous: before.map(|built| built.fingerprint),
            });
        }
        // Built anew from the same commit: that commit is the change.
        let from = from.filter(|from| from != commit);
        let commits = git::commits(from.as_ref(), commit)?;
        let follows = |built: &Built| match &since {
            Since::Revision(_) => from.as_ref() == Some(&built.commit),
            _ => true,
        };
        Ok(Self {
            commits,
            previous: before.filter(follows).map(|built| built.fingerprint),
        })
    }
}

fn named(revision: &str) -> Result<CommitId> {
    Ok(git::commit(revision).ok_or_else(|| {
        Failure::usage(format!("git knows no commit `{revision}`"))
            .with_hint("fetch it, or list the flow's history: `trailmark trail list`")
    })?)
}

/// Asks from which commit an artifact was built in the flow.
fn built(client: &Client, on: &OnTrail, fingerprint: Fingerprint) -> Result<Built> {
    let answer = client.get(&format!("/v1/artifacts/{fingerprint}"), &[])?;
    let places = list(&answer, "/recorded_in").iter().rev();
    let commit = places
        .filter(|place| text(place, "/flow") == on.flow.as_str())
        .find_map(|place| text(place, "/commit").parse().ok());
    Ok(Built {
        fingerprint,
        commit: commit.with_context(|| {
            format!(
                "artifact `{fingerprint}` was not recorded in flow `{}`",
                on.flow
            )
        })?,
    })
}

/// Finds the flow's newest other artifact of the same name whose commit leads to this one.
fn last_built(
    client: &Client,
    on: &OnTrail,
    artifact: (&Fingerprint, &str),
    commit: &CommitId,
) -> Result<Option<Built>> {
    let trails = client.get(&format!("/v1/flows/{}/trails", on.flow), &[])?;
    for trail in list(&trails, "").iter().take(TRAILS_MAX) {
        let path = format!("/v1/flows/{}/trails/{}", on.flow, text(trail, "/trail"));
        let trail = client.get(&path, &[])?;
        let entries = list(&trail, "/entries").iter().rev();
        let mut others = entries.filter_map(|entry| other(entry, artifact));
        if let Some(found) = others.find(|built| git::leads_to(&built.commit, commit)) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn other(entry: &Value, (fingerprint, name): (&Fingerprint, &str)) -> Option<Built> {
    let same_name =
        text(entry, "/kind") == "artifact-recorded" && text(entry, "/fields/name") == name;
    let built = Built {
        fingerprint: text(entry, "/fields/fingerprint").parse().ok()?,
        commit: text(entry, "/fields/commit").parse().ok()?,
    };
    (same_name && built.fingerprint != *fingerprint).then_some(built)
}
