//! Bundles, written while they are read.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use http_body_util::channel::{Channel, Sender};
use model::Fingerprint;
use recorder::{Caller, RecorderError};
use serde::Deserialize;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::problem::{Kind, Problem, chain};
use crate::request::{By, Query};
use crate::state::AppState;

const CHUNK_BYTES: usize = 64 * 1024;
/// Chunks that wait for the reader.
const CHUNKS_WAITING: usize = 4;
/// A reader who takes nothing for so long gets no more.
const READER_TIMEOUT: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exported {
    artifact: Option<Fingerprint>,
}

/// A failure before the first byte is a problem; a later one breaks the connection, and the bundle has no end.
pub(super) async fn bundle(
    State(state): State<AppState>,
    By(caller): By,
    Query(exported): Query<Exported>,
) -> Result<Response, Problem> {
    caller.require_any()?;
    let most = state.limits.exports_max;
    let permit = state.exports.clone().try_acquire_owned().map_err(|_| {
        Problem::new(
            Kind::Overloaded,
            format!("`{most}` exports are in progress"),
        )
        .with_hint("try again later")
    })?;
    let (out, chunks) = sync_channel(CHUNKS_WAITING);
    let (sender, body) = Channel::<Bytes, io::Error>::new(CHUNKS_WAITING);
    let (started, start) = oneshot::channel();
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        write(&state, &caller, exported.artifact, &out);
    });
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || pass_on(&runtime, &chunks, started, sender));
    match start.await {
        Ok(None) => Ok((
            [(CONTENT_TYPE, "text/plain; charset=utf-8")],
            Body::new(body),
        )
            .into_response()),
        Ok(Some(error)) => Err(error.into()),
        Err(_) => Err(Problem::new(
            Kind::Internal,
            "the export ended before it began",
        )),
    }
}

type Chunk = Result<Bytes, RecorderError>;

/// Writes the bundle, waiting for its reader.
fn write(
    state: &AppState,
    caller: &Arc<Caller>,
    artifact: Option<Fingerprint>,
    out: &SyncSender<Chunk>,
) {
    let writer = BufWriter::with_capacity(CHUNK_BYTES, Chunks(out.clone()));
    let written = Handle::current().block_on(async {
        let mut writer = match artifact {
            Some(fingerprint) => {
                state
                    .recorder
                    .export_artifact(caller, &fingerprint, writer)
                    .await?
            }
            None => state.recorder.export_journal(caller, writer).await?,
        };
        writer.flush().map_err(RecorderError::Export)
    });
    if let Err(error) = written {
        // Where the reader is gone there is nobody to tell.
        let _ = out.send(Err(error));
    }
}

/// Passes chunks on to the connection. The first says whether there is a bundle at all.
fn pass_on(
    runtime: &Handle,
    chunks: &Receiver<Chunk>,
    started: oneshot::Sender<Option<RecorderError>>,
    mut sender: Sender<Bytes, io::Error>,
) {
    let mut started = Some(started);
    for chunk in chunks {
        let first = started.take();
        match (chunk, first) {
            (Ok(bytes), first) => {
                let gone = first.is_some_and(|first| first.send(None).is_err());
                let sent = runtime.block_on(async {
                    tokio::time::timeout(READER_TIMEOUT, sender.send_data(bytes)).await
                });
                if gone || !matches!(sent, Ok(Ok(()))) {
                    return;
                }
            }
            (Err(error), Some(first)) => {
                let _ = first.send(Some(error));
                return;
            }
            (Err(error), None) => {
                tracing::error!(cause = chain(&error), "an export broke off");
                sender.abort(io::Error::other("the export broke off"));
                return;
            }
        }
    }
}

/// Writes into a channel.
struct Chunks(SyncSender<Chunk>);

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
        self.0
            .send(Ok(Bytes::copy_from_slice(bytes)))
            .map_err(gone)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
