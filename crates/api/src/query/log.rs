//! The log itself: entries, receipts, the checkpoint, tiles (C2SP tlog-tiles).

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use journal::tile::{self, Content, Tile, WIDTH_MAX};
use model::EntryHash;
use recorder::RecorderError;
use recorder::view::{DecisionView, EntryView};
use store::{ReadError, Receipt};

use crate::answer::Answer;
use crate::problem::{Kind, Problem};
use crate::request::{By, Path};
use crate::state::AppState;

/// What has once been in a tile stays in it.
const IMMUTABLE: &str = "private, max-age=31536000, immutable";

pub(super) async fn decision(
    State(state): State<AppState>,
    By(caller): By,
    Path(entry): Path<EntryHash>,
) -> Result<Answer<DecisionView>, Problem> {
    caller.require_any()?;
    Ok(Answer::shown(state.recorder.decision_view(&entry).await?))
}

pub(super) async fn entry(
    State(state): State<AppState>,
    By(caller): By,
    Path(entry): Path<EntryHash>,
) -> Result<Answer<EntryView>, Problem> {
    caller.require_any()?;
    Ok(Answer::shown(state.recorder.entry_view(&entry).await?))
}

pub(super) async fn receipt(
    State(state): State<AppState>,
    By(caller): By,
    Path(entry): Path<EntryHash>,
) -> Result<Answer<Receipt>, Problem> {
    caller.require_any()?;
    let receipt = state.recorder.store().receipt(&entry).await?;
    let unknown = || RecorderError::Unknown {
        what: "entry",
        name: entry.to_string(),
    };
    Ok(Answer::shown(receipt.ok_or_else(unknown)?))
}

pub(super) async fn checkpoint(
    State(state): State<AppState>,
    By(caller): By,
) -> Result<Response, Problem> {
    caller.require_any()?;
    let note = state.recorder.store().checkpoint().await?;
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], note).into_response())
}

pub(super) async fn tile(
    State(state): State<AppState>,
    By(caller): By,
    Path(path): Path<String>,
) -> Result<Response, Problem> {
    caller.require_any()?;
    let tile: Tile = format!("tile/{path}")
        .parse()
        .map_err(|error: model::ParseError| Problem::new(Kind::InvalidPath, error.to_string()))?;
    let bytes = match tile.content {
        Content::Hashes(level) => {
            state
                .recorder
                .store()
                .tile(level, tile.index, tile.width)
                .await?
        }
        Content::Entries => entry_bundle(&state, &tile).await?,
    };
    let bytes = bytes.ok_or_else(|| RecorderError::Unknown {
        what: "tile",
        name: tile.to_string(),
    })?;
    let headers = [
        (CONTENT_TYPE, "application/octet-stream"),
        (CACHE_CONTROL, IMMUTABLE),
    ];
    Ok((headers, bytes).into_response())
}

/// Writes the entries of a bundle; nothing where the log does not have them all.
async fn entry_bundle(state: &AppState, tile: &Tile) -> Result<Option<Vec<u8>>, Problem> {
    let from = tile.index * u64::from(WIDTH_MAX);
    let entries = state
        .recorder
        .store()
        .entries(from, usize::from(tile.width))
        .await?;
    if entries.len() < usize::from(tile.width) {
        return Ok(None);
    }
    let mut bundle = Vec::new();
    for stored in entries {
        tile::write_entry(&mut bundle, stored.entry.bytes())
            .map_err(|_| ReadError::Corrupt("an entry is too long"))?;
    }
    Ok(Some(bundle))
}
