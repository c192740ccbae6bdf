//! CloudEvents 1.0 over HTTP: structured, in batches, and in binary mode.
//!
//! `type` says which event it is and `data` has its members; `time` is the time it claims; `source` and `id` make a
//! retry recognisable, for each sender apart.

use std::borrow::Cow;
use std::collections::BTreeMap;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use evidence::strict_json;
use percent_encoding::percent_decode_str;
use recorder::{Event, Submission};
use serde_json::Value;
use serde_json::value::RawValue;

use super::events::Envelope;
use super::native::claimed_ms;
use crate::problem::{Kind, Problem};

const PREFIX: &str = "ce-";
const SPECVERSION: &str = "specversion";
/// What the types of our events begin with; the version of their form ends them.
const TYPE_PREFIX: &str = "dev.trailmark.";
const TYPE_SUFFIX: &str = ".v1";
/// Bytes of a source or an id: they are hashed, not kept.
const ATTRIBUTE_BYTES_MAX: usize = 1_024;

/// The attributes that mean something here.
struct Attributes<'a> {
    event_type: Cow<'a, str>,
    source: Cow<'a, str>,
    id: Cow<'a, str>,
    time: Option<Cow<'a, str>>,
}

/// Says whether a request's headers hold a CloudEvent's attributes.
pub(super) fn is_binary(headers: &HeaderMap) -> bool {
    headers.contains_key("ce-specversion") || headers.contains_key("ce-type")
}

/// Reads an event in structured mode.
pub(super) fn read(raw: &RawValue, envelope: &Envelope<'_>) -> Result<Submission, Problem> {
    let members: BTreeMap<String, &RawValue> =
        serde_json::from_str(raw.get()).map_err(|_| invalid("a CloudEvent is a JSON object"))?;
    if members.contains_key("data_base64") {
        return Err(invalid("`data_base64` is not taken")
            .with_hint("send the event's members as JSON in `data`"));
    }
    let mut attributes = BTreeMap::new();
    for (name, value) in members.iter().filter(|(name, _)| *name != "data") {
        check_name(name)?;
        match serde_json::from_str(value.get()) {
            Ok(Value::String(text)) => drop(attributes.insert(name.as_str(), Cow::Owned(text))),
            // Numbers and booleans stand in extensions, which mean nothing here.
            Ok(Value::Null | Value::Bool(_) | Value::Number(_)) => {}
            _ => {
                return Err(invalid(format!(
                    "the attribute `{name}` is a list or an object"
                )));
            }
        }
    }
    let data = members
        .get("data")
        .ok_or_else(|| invalid("there is no `data`"))?;
    let attributes = Attributes::check(attributes)?;
    submission(&attributes, data, raw.get().as_bytes(), envelope)
}

/// Reads an event in binary mode: its attributes are headers, its data is the body.
pub(super) fn read_binary(
    headers: &HeaderMap,
    body: &[u8],
    envelope: &Envelope<'_>,
) -> Result<Submission, Problem> {
    let mut attributes = BTreeMap::new();
    for (name, value) in headers.iter().filter_map(attribute) {
        check_name(name)?;
        let text = header_text(value)
            .ok_or_else(|| invalid(format!("the header `ce-{name}` is not text")))?;
        if attributes.insert(name, text).is_some() {
            return Err(invalid(format!(
                "there is more than one header `ce-{name}`"
            )));
        }
    }
    let attributes = Attributes::check(attributes)?;
    let data: &RawValue = strict_json::from_slice(body)?;
    // What was sent is more than the body: with another type the same bytes are another event.
    let time = attributes.time.as_deref().unwrap_or_default();
    let mut content = format!("{}\n{time}\n", attributes.event_type).into_bytes();
    content.extend_from_slice(data.get().as_bytes());
    submission(&attributes, data, &content, envelope)
}

fn attribute<'a>(
    (name, value): (&'a HeaderName, &'a HeaderValue),
) -> Option<(&'a str, &'a HeaderValue)> {
    Some((name.as_str().strip_prefix(PREFIX)?, value))
}

/// Decodes a header as the HTTP binding says (section 3.1.3.2): quotes first, then percent signs.
fn header_text(value: &HeaderValue) -> Option<Cow<'_, str>> {
    let text = value.to_str().ok()?;
    let quoted = text
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'));
    let Some(quoted) = quoted else {
        return percent_decode_str(text).decode_utf8().ok();
    };
    let mut plain = String::with_capacity(quoted.len());
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        plain.push(if character == '\\' {
            characters.next()?
        } else {
            character
        });
    }
    percent_decode_str(&plain)
        .decode_utf8()
        .ok()
        .map(|text| Cow::Owned(text.into_owned()))
}

impl<'a> Attributes<'a> {
    fn check(mut given: BTreeMap<&str, Cow<'a, str>>) -> Result<Self, Problem> {
        let mut required = |name: &str| {
            let value = given.remove(name).filter(|value| !value.is_empty());
            value.ok_or_else(|| {
                invalid(format!(
                    "the attribute `{name}` is required, and no empty text"
                ))
            })
        };
        if required(SPECVERSION)? != "1.0" {
            return Err(invalid("`specversion` is not `1.0`"));
        }
        let (event_type, source, id) = (required("type")?, required("source")?, required("id")?);
        if source.len().max(id.len()) > ATTRIBUTE_BYTES_MAX {
            return Err(invalid(format!(
                "`source` and `id` have at most `{ATTRIBUTE_BYTES_MAX}` bytes"
            )));
        }
        if let Some(content_type) = given.get("datacontenttype") {
            let media_type = content_type.split(';').next().unwrap_or_default().trim();
            if media_type != "application/json" && !media_type.ends_with("+json") {
                return Err(invalid("`datacontenttype` is not JSON"));
            }
        }
        Ok(Self {
            event_type,
            source,
            id,
            time: given.remove("time"),
        })
    }

    /// Reads the members of the event that the type names.
    fn event(&self, data: &str) -> Result<Event, Problem> {
        if !data.starts_with('{') {
            return Err(Problem::new(
                Kind::UnexpectedForm,
                "the `data` of an event is a JSON object",
            ));
        }
        let known = self
            .event_type
            .strip_prefix(TYPE_PREFIX)
            .and_then(|rest| rest.strip_suffix(TYPE_SUFFIX));
        let event = match known {
            Some("trail") => serde_json::from_str(data).map(Event::Trail),
            Some("artifact") => serde_json::from_str(data).map(Event::Artifact),
            Some("attestation") => serde_json::from_str(data).map(Event::Attestation),
            Some("deployment") => serde_json::from_str(data).map(Event::Deployment),
            _ => {
                let hint = "the types are `dev.trailmark.trail.v1`, `….artifact.v1`, `….attestation.v1` and `….deployment.v1`";
                return Err(
                    invalid(format!("the type `{}` is not known", self.event_type)).with_hint(hint),
                );
            }
        };
        event.map_err(|error| Problem::new(Kind::UnexpectedForm, error.to_string()))
    }
}

fn submission(
    attributes: &Attributes<'_>,
    data: &RawValue,
    content: &[u8],
    envelope: &Envelope<'_>,
) -> Result<Submission, Problem> {
    let scope = format!("{}/{}", envelope.sender, attributes.source);
    let event = attributes.event(data.get())?;
    let content = event.content(content);
    let idempotency = recorder::idempotency(&scope, &attributes.id, &content);
    Ok(Submission {
        event,
        claimed_ms: attributes.time.as_deref().map(claimed_ms).transpose()?,
        idempotency: Some(idempotency),
    })
}

/// Checks an attribute's name: lower-case letters and digits of ASCII (CloudEvents 1.0.2, section 2.1).
fn check_name(name: &str) -> Result<(), Problem> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if !name.is_empty() && name.len() <= 64 && name.bytes().all(allowed) {
        return Ok(());
    }
    let shown: String = name.chars().take(64).flat_map(char::escape_debug).collect();
    Err(invalid(format!(
        "`{shown}` is no attribute: their names are of `a-z` and `0-9`"
    )))
}

fn invalid(text: impl Into<String>) -> Problem {
    Problem::new(Kind::InvalidCloudEvent, text)
}
