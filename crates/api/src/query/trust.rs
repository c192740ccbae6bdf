//! Who signed a policy, and whose signature lets one run.

use axum::extract::State;
use model::{EntryHash, PersonId, Root};
use recorder::{PolicyKey, Proposal, SignatureFound, TrustedKeys, timestamp};
use serde::Serialize;

use crate::answer::Answer;
use crate::problem::Problem;
use crate::request::{By, Path};
use crate::state::AppState;

#[derive(Serialize)]
pub(super) struct KeyView {
    /// SHA-256 of the key.
    id: Root,
    key: PolicyKey,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

impl KeyView {
    fn new(key: &PolicyKey, expires_ms: Option<u64>) -> Self {
        Self {
            id: key.id(),
            key: key.clone(),
            expires: expires_ms.map(timestamp::format),
        }
    }
}

#[derive(Serialize)]
pub(super) struct KeysView {
    entry: EntryHash,
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<PersonId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    endorsed_by: Option<PersonId>,
    reason: String,
    /// Absent where any policy is to run again.
    #[serde(skip_serializing_if = "Option::is_none")]
    keys: Option<Vec<KeyView>>,
}

impl KeysView {
    fn in_force(trusted: &TrustedKeys) -> Self {
        Self {
            entry: trusted.entry,
            by: trusted.by.clone(),
            endorsed_by: trusted.endorsed_by.clone(),
            reason: trusted.reason.clone(),
            keys: Some(views(trusted)),
        }
    }

    fn waiting(proposal: &Proposal) -> Self {
        Self {
            entry: proposal.entry,
            by: proposal.by.clone(),
            endorsed_by: None,
            reason: proposal.reason.clone(),
            keys: proposal.keys.as_ref().map(views),
        }
    }
}

fn views(trusted: &TrustedKeys) -> Vec<KeyView> {
    let keys = trusted.keys.iter();
    keys.map(|(key, expires_ms)| KeyView::new(key, *expires_ms))
        .collect()
}

#[derive(Serialize)]
pub(super) struct TrustView {
    /// Absent where the journal lets any policy run.
    #[serde(skip_serializing_if = "Option::is_none")]
    in_force: Option<KeysView>,
    /// What waits for a second person.
    waiting: Vec<KeysView>,
    /// What this host demands beside that.
    host: Vec<KeyView>,
}

#[derive(Serialize)]
pub(super) struct SignatureView {
    entry: EntryHash,
    recorded: String,
    /// Whose it is, as whoever made it says.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
    /// The trusted keys whose it is.
    by: Vec<Root>,
    bundle: String,
}

pub(super) async fn keys(
    State(state): State<AppState>,
    By(caller): By,
) -> Result<Answer<TrustView>, Problem> {
    caller.require_any()?;
    let definitions = state.recorder.current().await?;
    let trust = definitions.trust();
    let host = state.recorder.policy_keys().iter();
    Ok(Answer::shown(TrustView {
        in_force: trust.in_force().map(KeysView::in_force),
        waiting: trust.proposals().iter().map(KeysView::waiting).collect(),
        host: host.map(|key| KeyView::new(key, None)).collect(),
    }))
}

pub(super) async fn signatures(
    State(state): State<AppState>,
    By(caller): By,
    Path(entry): Path<EntryHash>,
) -> Result<Answer<Vec<SignatureView>>, Problem> {
    caller.require_any()?;
    let view = |found: SignatureFound| SignatureView {
        entry: found.signed.entry,
        recorded: timestamp::format(found.signed.recorded_ms),
        hint: found.hint,
        by: found.by.iter().map(PolicyKey::id).collect(),
        bundle: String::from_utf8_lossy(&found.bundle).into_owned(),
    };
    let found = state.recorder.signatures(&entry).await?;
    Ok(Answer::shown(found.into_iter().map(view).collect()))
}
