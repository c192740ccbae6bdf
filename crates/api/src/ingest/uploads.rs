//! Evidence that is too large for a request: announced here, sent to where the answer says, then recorded by an event.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, EXPECT};
use http_body_util::BodyExt as _;
use recorder::AnnounceUpload;
use serde::Serialize;
use store::ReadError;
use store::bulk::{Parts, PartsSender};

use crate::answer::Answer;
use crate::body::{Json, refuse_encoding};
use crate::problem::Problem;
use crate::request::{By, Path};
use crate::state::AppState;

/// How much of a refused upload is read all the same: as of any other body.
const DRAINED_BYTES_MAX: usize = 32 * 1024 * 1024;

/// An upload that was announced, and the request that sends it.
#[derive(Serialize)]
pub(super) struct Announced {
    upload: String,
    method: &'static str,
    url: String,
    headers: BTreeMap<String, String>,
    expires_ms: u64,
}

pub(super) async fn announce(
    State(state): State<AppState>,
    By(caller): By,
    Json(wanted): Json<AnnounceUpload>,
) -> Result<Answer<Announced>, Problem> {
    let announced = state.recorder.announce_upload(&caller, &wanted).await?;
    let upload = announced.upload;
    let (url, headers) = match announced.to {
        Some(to) => (to.url, to.headers),
        None => {
            let length = (CONTENT_LENGTH.to_string(), wanted.size.to_string());
            (format!("/v1/uploads/{upload}"), vec![length])
        }
    };
    Ok(Answer::created(Announced {
        method: "PUT",
        url,
        headers: headers.into_iter().collect(),
        expires_ms: announced.expires_ms,
        upload,
    }))
}

/// Takes an upload as it comes, of whoever knows its name.
pub(super) async fn receive(
    State(state): State<AppState>,
    Path(upload): Path<String>,
    request: Request,
) -> Result<StatusCode, Problem> {
    refuse_encoding(request.headers())?;
    let headers = request.headers();
    let length = headers.get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    let drained_max = if headers.contains_key(EXPECT) {
        0
    } else {
        DRAINED_BYTES_MAX
    };
    let (sender, parts) = Parts::channel();
    let pass_on = PassOn {
        sender,
        idle: state.limits.body_timeout,
        drained_max,
    };
    let receive = state.recorder.receive_upload(&upload, length, parts);
    let ((), received) = tokio::join!(pass_on.all_of(request.into_body()), receive);
    received?;
    Ok(StatusCode::NO_CONTENT)
}

/// Passes a body on as it comes.
struct PassOn {
    sender: PartsSender,
    /// How long its next part may take to arrive.
    idle: Duration,
    /// How much of it is read when nobody wants it any more, so that its sender gets to see why.
    drained_max: usize,
}

impl PassOn {
    async fn all_of(mut self, mut body: Body) {
        let mut wanted = true;
        loop {
            let frame = match tokio::time::timeout(self.idle, body.frame()).await {
                Ok(None) => return,
                Ok(Some(Ok(frame))) => Ok(frame),
                Ok(Some(Err(error))) => Err(ReadError::Unavailable(error.into())),
                Err(late) => Err(ReadError::Unavailable(late.into())),
            };
            let frame = match frame {
                Ok(frame) => frame,
                Err(error) => {
                    self.sender.send(Err(error)).await;
                    return;
                }
            };
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if wanted {
                wanted = self.sender.send(Ok(data.to_vec())).await;
            }
            if !wanted {
                match self.drained_max.checked_sub(data.len()) {
                    Some(rest) => self.drained_max = rest,
                    None => return,
                }
            }
        }
    }
}
