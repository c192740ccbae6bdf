//! Events in all their forms: one atomic append for each request.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use evidence::strict_json;
use model::KeyId;
use recorder::Submission;
use serde::Deserializer;
use serde::de::{DeserializeSeed, IgnoredAny, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{cloud_event, idempotency, native};
use crate::answer::{Answer, Recorded};
use crate::body::{self, MediaType};
use crate::problem::{Kind, Problem};
use crate::request::By;
use crate::state::AppState;

/// What the events of one request have in common.
pub(super) struct Envelope<'a> {
    /// The key that sends them.
    pub(super) sender: &'a KeyId,
    /// The `Idempotency-Key` header.
    pub(super) idempotency_key: Option<&'a str>,
}

pub(super) async fn record(
    State(state): State<AppState>,
    By(caller): By,
    request: Request,
) -> Result<Response, Problem> {
    let headers = request.headers().clone();
    let body = body::read(request, &state, state.limits.body_bytes_max).await?;
    let sender = caller
        .by()
        .key
        .as_ref()
        .ok_or(recorder::RecorderError::Unauthenticated)?;
    let envelope = Envelope {
        sender,
        idempotency_key: idempotency::header(&headers)?,
    };
    let (submissions, several) = read(&headers, &body, &envelope, state.limits.events_max)?;
    let recorded = state
        .recorder
        .record(&caller, submissions)
        .await
        .map_err(Problem::from);
    let appended = recorded.map_err(|problem| {
        if several {
            problem
        } else {
            problem.without_event()
        }
    })?;
    let recorded: Vec<Recorded> = appended.into_iter().map(Recorded::from).collect();
    Ok(answer(recorded, several))
}

/// A list is answered with a list, in the same order.
fn answer(mut recorded: Vec<Recorded>, several: bool) -> Response {
    let replayed = recorded.iter().all(|recorded| recorded.replayed);
    let status = if replayed {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    let entry = recorded.first().map(|recorded| recorded.entry);
    match recorded.pop() {
        Some(only) if !several => Answer::with_status(status, only)
            .noting(entry)
            .into_response(),
        last => {
            recorded.extend(last);
            Answer::with_status(status, recorded)
                .noting(entry)
                .into_response()
        }
    }
}

/// Reads the events, and says whether they came as a list.
fn read(
    headers: &HeaderMap,
    body: &[u8],
    envelope: &Envelope<'_>,
    events_max: usize,
) -> Result<(Vec<Submission>, bool), Problem> {
    let media_type = MediaType::of(headers)?;
    let is_list = body.trim_ascii_start().first() == Some(&b'[');
    match media_type {
        MediaType::Json if cloud_event::is_binary(headers) => Ok((
            vec![cloud_event::read_binary(headers, body, envelope)?],
            false,
        )),
        MediaType::Json if is_list => read_list(body, events_max, |at, event| {
            native::read(event, Some(at), envelope)
        }),
        MediaType::Json => Ok((
            vec![native::read(
                strict_json::from_slice(body)?,
                None,
                envelope,
            )?],
            false,
        )),
        MediaType::CloudEvent if is_list => {
            Err(Problem::new(Kind::InvalidCloudEvent, "the body is a list")
                .with_hint("send a list as `application/cloudevents-batch+json`"))
        }
        MediaType::CloudEvent => Ok((
            vec![cloud_event::read(strict_json::from_slice(body)?, envelope)?],
            false,
        )),
        MediaType::CloudEventBatch => read_list(body, events_max, |_, event| {
            cloud_event::read(event, envelope)
        }),
        _ => Err(body::unsupported(
            "application/json`, `application/cloudevents+json` or `application/cloudevents-batch+json",
        )),
    }
}

fn read_list(
    body: &[u8],
    events_max: usize,
    read: impl Fn(usize, &RawValue) -> Result<Submission, Problem>,
) -> Result<(Vec<Submission>, bool), Problem> {
    let List { events, found } = strict_list(body, events_max)?;
    if found > events_max {
        let text = format!("a batch has 1 to {events_max} events, not `{found}`");
        return Err(Problem::new(Kind::BatchSize, text));
    }
    let at_place = |(at, event)| read(at, event).map_err(|problem| problem.at_event(Some(at)));
    Ok((
        events
            .into_iter()
            .enumerate()
            .map(at_place)
            .collect::<Result<_, _>>()?,
        true,
    ))
}

/// The events of a list, as they were sent; those over the limit are only counted.
struct List<'de> {
    events: Vec<&'de RawValue>,
    found: usize,
}

fn strict_list(body: &[u8], events_max: usize) -> Result<List<'_>, Problem> {
    // First the whole text is checked; then its items are taken apart.
    let whole: &RawValue = strict_json::from_slice(body)?;
    if !whole.get().starts_with('[') {
        return Err(Problem::new(Kind::UnexpectedForm, "the body is no list"));
    }
    let mut reader = serde_json::Deserializer::from_str(whole.get());
    let not_a_list =
        |error: serde_json::Error| Problem::new(Kind::UnexpectedForm, error.to_string());
    Items { events_max }
        .deserialize(&mut reader)
        .map_err(not_a_list)
}

struct Items {
    events_max: usize,
}

impl<'de> DeserializeSeed<'de> for Items {
    type Value = List<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<List<'de>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Items {
    type Value = List<'de>;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("a list of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<List<'de>, A::Error> {
        let mut events = Vec::new();
        while events.len() < self.events_max {
            match items.next_element()? {
                Some(event) => events.push(event),
                None => {
                    return Ok(List {
                        found: events.len(),
                        events,
                    });
                }
            }
        }
        let mut found = events.len();
        while items.next_element::<IgnoredAny>()?.is_some() {
            found += 1;
        }
        Ok(List { events, found })
    }
}
