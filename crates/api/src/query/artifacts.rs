use axum::extract::State;
use model::{Dossier, Fingerprint, Name};
use recorder::view::{ArtifactView, Found};
use serde::Deserialize;

use crate::answer::Answer;
use crate::problem::{Kind, Problem};
use crate::request::{By, Path, Query};
use crate::state::AppState;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Page {
    #[serde(default)]
    prefix: String,
    after: Option<Fingerprint>,
    limit: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    environment: Name,
    flow: Option<Name>,
    trail: Option<Name>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Searched {
    q: String,
    limit: Option<usize>,
}

pub(super) async fn list(
    State(state): State<AppState>,
    By(caller): By,
    Query(page): Query<Page>,
) -> Result<Answer<Vec<Fingerprint>>, Problem> {
    caller.require_any()?;
    if page.prefix.len() > 64
        || !page
            .prefix
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    {
        return Err(Problem::new(
            Kind::InvalidQuery,
            "`prefix` is of up to 64 lower-case hexadecimal digits",
        ));
    }
    let limit = super::limit(page.limit);
    Ok(Answer::shown(
        state
            .recorder
            .artifacts(&page.prefix, page.after.as_ref(), limit)
            .await?,
    ))
}

pub(super) async fn show(
    State(state): State<AppState>,
    By(caller): By,
    Path(fingerprint): Path<Fingerprint>,
) -> Result<Answer<ArtifactView>, Problem> {
    caller.require_any()?;
    Ok(Answer::shown(
        state.recorder.artifact_view(&fingerprint).await?,
    ))
}

pub(super) async fn dossier(
    State(state): State<AppState>,
    By(caller): By,
    Path(fingerprint): Path<Fingerprint>,
    Query(asked): Query<Asked>,
) -> Result<Answer<Dossier>, Problem> {
    caller.require_any()?;
    let (flow, trail) = (asked.flow.as_ref(), asked.trail.as_ref());
    Ok(Answer::shown(
        state
            .recorder
            .dossier(fingerprint, flow, trail, asked.environment)
            .await?,
    ))
}

pub(super) async fn search(
    State(state): State<AppState>,
    By(caller): By,
    Query(searched): Query<Searched>,
) -> Result<Answer<Found>, Problem> {
    caller.require_any()?;
    Ok(Answer::shown(
        state
            .recorder
            .search(&searched.q, super::limit(searched.limit))
            .await?,
    ))
}
