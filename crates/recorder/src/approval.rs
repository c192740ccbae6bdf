//! Which approvals count: four eyes over the whole change, and staleness.

use std::collections::HashSet;
use std::sync::Arc;

use model::dossier::{Approval, ApprovalStatus, Change, Outcome};
use model::kind::ApprovalGiven;
use model::{Body, EntryHash, Fingerprint, Name, ParseError, PersonId, Root, StreamName};

use crate::history::Loaded;

/// Why an approval does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stale {
    /// Its giver took it back.
    Withdrawn,
    /// Its time was over.
    Expired,
    /// Its giver authored, committed or built a part of the change.
    AuthorOfTheChange,
    /// It cannot be said what the change is, or who took part in it.
    ChangeNotKnown,
    /// What is released is not what was approved.
    ChangeChanged,
    /// The artifact was recorded again after it was given.
    NewProvenance,
    /// Something failed after it was given.
    FailedOutcome,
}

impl Stale {
    /// Every reason there is.
    pub const ALL: [Self; 7] = [
        Self::Withdrawn,
        Self::Expired,
        Self::AuthorOfTheChange,
        Self::ChangeNotKnown,
        Self::ChangeChanged,
        Self::NewProvenance,
        Self::FailedOutcome,
    ];

    /// Returns its name, as dossiers have it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Withdrawn => "withdrawn",
            Self::Expired => "expired",
            Self::AuthorOfTheChange => "author-of-the-change",
            Self::ChangeNotKnown => "change-not-known",
            Self::ChangeChanged => "change-changed",
            Self::NewProvenance => "new-provenance",
            Self::FailedOutcome => "failed-outcome",
        }
    }
}

/// What approvals are judged for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Release<'a> {
    pub(crate) fingerprint: &'a Fingerprint,
    pub(crate) flow: &'a Name,
    pub(crate) trail: &'a Name,
    pub(crate) environment: &'a Name,
    pub(crate) now_ms: u64,
}

/// Judges every approval for a release.
///
/// An approval counts unless one of these holds; the first that does is its reason:
/// it was withdrawn; it expired; its giver took part in the change or recorded the artifact; the change is not known
/// completely; the change is another one now; provenance was recorded, or something failed, after it was given.
pub(crate) fn judge(
    release: Release<'_>,
    artifact: &[Arc<Loaded>],
    trail: &[Arc<Loaded>],
    change: &Change,
    change_digest: Option<Root>,
) -> Result<Vec<Approval>, ParseError> {
    let artifact_stream = StreamName::artifact(release.fingerprint);
    let trail_stream = StreamName::trail(release.flow, release.trail);
    let participants = participants(release, artifact, change);
    let withdrawn: HashSet<EntryHash> = artifact
        .iter()
        .filter_map(|loaded| match &loaded.body {
            Body::ApprovalWithdrawn(withdrawn) => Some(withdrawn.approval),
            _ => None,
        })
        .collect();
    let mut approvals = Vec::new();
    for loaded in artifact {
        let Body::ApprovalGiven(given) = &loaded.body else {
            continue;
        };
        if given.environment != *release.environment
            || given.flow != *release.flow
            || given.trail != *release.trail
        {
            continue;
        }
        let after = |entries: &[Arc<Loaded>], stream: &StreamName, what: fn(&Body) -> bool| {
            let place = loaded.seq(stream);
            entries.iter().any(|later| {
                later.seq(stream) > place && what(&later.body) && concerns(&later.body, release)
            })
        };
        let failed_after = after(artifact, &artifact_stream, is_failure)
            || after(trail, &trail_stream, is_failure);
        let reason = if withdrawn.contains(&loaded.entry.hash()) {
            Some(Stale::Withdrawn)
        } else if given.expires_ms <= release.now_ms {
            Some(Stale::Expired)
        } else if participants.contains(&given.person) {
            Some(Stale::AuthorOfTheChange)
        } else if !change.complete {
            Some(Stale::ChangeNotKnown)
        } else if Some(given.change) != change_digest {
            Some(Stale::ChangeChanged)
        } else if after(artifact, &artifact_stream, is_provenance) {
            Some(Stale::NewProvenance)
        } else if failed_after {
            Some(Stale::FailedOutcome)
        } else {
            None
        };
        approvals.push(approval(loaded, given, reason)?);
    }
    Ok(approvals)
}

fn approval(
    loaded: &Loaded,
    given: &ApprovalGiven,
    reason: Option<Stale>,
) -> Result<Approval, ParseError> {
    Ok(Approval {
        entry: loaded.entry.hash(),
        expires_ms: given.expires_ms,
        person: given.person.clone(),
        reason: reason.map(|stale| stale.as_str().parse()).transpose()?,
        recorded_ms: loaded.entry.header().recorded_ms,
        status: if reason.is_some() {
            ApprovalStatus::Stale
        } else {
            ApprovalStatus::Valid
        },
    })
}

/// Everyone who authored, committed or built any part of the change.
pub(crate) fn participants(
    release: Release<'_>,
    artifact: &[Arc<Loaded>],
    change: &Change,
) -> HashSet<PersonId> {
    let authors = change
        .commits
        .iter()
        .flat_map(|commit| commit.people.iter().cloned());
    let builders = artifact
        .iter()
        .filter(|loaded| is_provenance(&loaded.body) && concerns(&loaded.body, release))
        .filter_map(|loaded| loaded.entry.header().by.person.clone());
    authors.chain(builders).collect()
}

/// Says whether an entry is evidence of this release's own flow; what is foreign makes nothing stale.
fn concerns(body: &Body, release: Release<'_>) -> bool {
    match body {
        Body::Attested(attested) => {
            let other = attested
                .fingerprint
                .is_some_and(|about| about != *release.fingerprint);
            attested.flow == *release.flow && !other
        }
        Body::ArtifactRecorded(recorded) => recorded.flow == *release.flow,
        _ => false,
    }
}

fn is_failure(body: &Body) -> bool {
    matches!(body, Body::Attested(attested) if attested.outcome == Outcome::Failed)
}

const fn is_provenance(body: &Body) -> bool {
    matches!(body, Body::ArtifactRecorded(_))
}
