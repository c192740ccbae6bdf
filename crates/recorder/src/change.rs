//! The change: every commit between the artifact last allowed in an environment and this one.

use std::collections::HashSet;
use std::sync::Arc;

use evidence::provenance::ProvenanceFacts;
use model::dossier::{Change, Commit};
use model::{Body, Fingerprint, Name, Root, StreamName, canonical};
use sha2::{Digest as _, Sha256};

use crate::history::{History, Loaded, Missing};

/// Artifacts between two releases into an environment; a longer way is not followed, and the change not complete.
const ANCESTORS_MAX: usize = 200;

/// Finds the change that comes with an artifact.
///
/// It is counted from what was allowed before this artifact first was, so that deploying it again is the same change.
///
/// # Errors
/// Names a stream that must be loaded first.
pub(crate) fn find(
    history: &History,
    environment: &Name,
    flow: &Name,
    fingerprint: &Fingerprint,
) -> Result<Change, Missing> {
    let since = allowed_before(
        history,
        &StreamName::allowed(environment, flow),
        fingerprint,
    )?;
    let mut commits: Vec<Commit> = Vec::new();
    let mut seen = HashSet::new();
    let mut next = Some(*fingerprint);
    let mut complete = true;
    while let Some(current) = next.filter(|current| Some(*current) != since) {
        let entries = history.stream(&StreamName::artifact(&current))?;
        let Some(facts) = provenance(entries, flow) else {
            complete = false;
            break;
        };
        if facts.commits.is_empty() || !seen.insert(current) || seen.len() > ANCESTORS_MAX {
            complete = false;
            break;
        }
        commits.splice(0..0, facts.commits);
        next = facts.previous;
    }
    // The way back must end where the environment stands, or at the flow's first artifact when nothing stands there yet.
    complete &= next == since;
    complete &= commits.iter().all(|commit| commit.unregistered == 0);
    Ok(Change {
        commits,
        complete,
        since,
    })
}

/// Computes the digest by which an approval names the change that it approves.
pub(crate) fn digest(change: &Change) -> Result<Root, serde_json::Error> {
    Ok(Root(
        Sha256::digest(canonical::ordered_to_vec(change)?).into(),
    ))
}

/// Returns the newest provenance of an artifact in a flow.
pub(crate) fn provenance(entries: &[Arc<Loaded>], flow: &Name) -> Option<ProvenanceFacts> {
    let newest = entries.iter().rev().find(
        |loaded| matches!(&loaded.body, Body::ArtifactRecorded(recorded) if recorded.flow == *flow),
    )?;
    serde_json::from_slice(newest.facts.as_deref()?).ok()
}

/// Returns the artifact that was allowed last before this one first was.
fn allowed_before(
    history: &History,
    stream: &StreamName,
    fingerprint: &Fingerprint,
) -> Result<Option<Fingerprint>, Missing> {
    let allowed = history.stream(stream)?;
    let first = history.first_decided(stream, fingerprint)?;
    let mut before = allowed.iter().take(first.unwrap_or(allowed.len())).rev();
    Ok(before.find_map(|loaded| match &loaded.body {
        Body::Decided(decided) => Some(decided.fingerprint),
        _ => None,
    }))
}
