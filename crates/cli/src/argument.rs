//! What several commands take, in the same words everywhere.

use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use clap::Args;
use model::{Fingerprint, Name};
use recorder::timestamp;
use serde_json::Value;

use crate::client::{self, Client};
use crate::failure::Failure;

/// The run of a flow that something is recorded for.
#[derive(Debug, Args)]
pub(crate) struct OnTrail {
    /// The flow.
    #[arg(long, env = "TRAILMARK_FLOW")]
    pub(crate) flow: Name,
    /// The trail.
    #[arg(long, env = "TRAILMARK_TRAIL")]
    pub(crate) trail: Name,
}

/// The run of a flow that is meant, where an artifact was recorded on several.
#[derive(Debug, Args)]
pub(crate) struct AmongTrails {
    /// The flow, where the artifact was recorded in several.
    #[arg(long, env = "TRAILMARK_FLOW")]
    pub(crate) flow: Option<Name>,
    /// The trail, where the artifact was recorded on several.
    #[arg(long, env = "TRAILMARK_TRAIL")]
    pub(crate) trail: Option<Name>,
}

impl AmongTrails {
    /// Asks for the dossier of an artifact, for an environment.
    pub(crate) fn dossier(
        &self,
        client: &Client,
        fingerprint: &Fingerprint,
        environment: &Name,
    ) -> Result<Value> {
        let mut query = vec![("environment", environment.as_str())];
        query.extend(self.flow.as_ref().map(|flow| ("flow", flow.as_str())));
        query.extend(self.trail.as_ref().map(|trail| ("trail", trail.as_str())));
        client.get(&format!("/v1/artifacts/{fingerprint}/dossier"), &query)
    }
}

/// How a retry of the same command is recognised.
#[derive(Debug, Args)]
pub(crate) struct Once {
    /// Recognises a retry: the same event under the same key is recorded once [default: a random one].
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
}

impl Once {
    pub(crate) fn key(self) -> Result<String> {
        self.idempotency_key.map_or_else(client::random_key, Ok)
    }
}

/// A span of time, written with its unit: `90s`, `15m`, `12h`, `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) ms: u64,
}

impl FromStr for Span {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "a span of time is a number and a unit: `90s`, `15m`, `12h` or `7d`";
        let unit = text.chars().next_back().ok_or(wrong)?;
        let seconds: u64 = match unit {
            's' => 1,
            'm' => 60,
            'h' => 60 * 60,
            'd' => 24 * 60 * 60,
            _ => return Err(wrong),
        };
        let number = text.strip_suffix(unit).ok_or(wrong)?;
        let number: u64 = number.parse().map_err(|_| wrong)?;
        let ms = number.checked_mul(seconds * 1_000).ok_or(wrong)?;
        Ok(Self { ms })
    }
}

/// A moment: as RFC 3339 writes it, or a span of time ago.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) ms: u64,
}

impl Moment {
    pub(crate) fn text(&self) -> String {
        timestamp::format(self.ms)
    }
}

impl FromStr for Moment {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let ago = |span: Span| now_ms().saturating_sub(span.ms);
        timestamp::parse(text)
            .or_else(|| text.parse().ok().map(ago))
            .map(|ms| Self { ms })
            .ok_or("a moment is written `2026-11-19T02:30:00Z`, or as a span of time ago: `12h`")
    }
}

/// A moment to come: as RFC 3339 writes it, or a span of time from now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Coming {
    pub(crate) ms: u64,
}

impl FromStr for Coming {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let ahead = |span: Span| now_ms().saturating_add(span.ms);
        timestamp::parse(text)
            .or_else(|| text.parse().ok().map(ahead))
            .map(|ms| Self { ms })
            .ok_or(
                "a moment is written `2026-12-01T00:00:00Z`, or as a span of time from now: `12h`",
            )
    }
}

/// A moment, or a day: then its beginning, in UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Day {
    pub(crate) ms: u64,
}

impl FromStr for Day {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let day = timestamp::parse(&format!("{text}T00:00:00Z"));
        day.or_else(|| text.parse().ok().map(|moment: Moment| moment.ms))
            .map(|ms| Self { ms })
            .ok_or("a day is written `2026-01-01`, a moment `2026-11-19T02:30:00Z`, or as a span of time ago: `30d`")
    }
}

/// Returns the time, in milliseconds since 1970-01-01 UTC.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

/// A JSON object: as it is, or `@` and the file that holds it.
#[derive(Debug, Clone)]
pub(crate) struct JsonArgument(String);

impl FromStr for JsonArgument {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl JsonArgument {
    pub(crate) fn read(&self) -> Result<Value> {
        let text = match self.0.strip_prefix('@') {
            Some(path) => {
                std::fs::read_to_string(path).with_context(|| format!("could not read `{path}`"))?
            }
            None => self.0.clone(),
        };
        let value = serde_json::from_str(&text);
        Ok(value.map_err(|error| Failure::usage("the parameters are not JSON").because(error))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_number_and_a_unit() {
        let span = |text: &str| text.parse::<Span>().map(|span| span.ms);
        assert_eq!(span("90s"), Ok(90_000));
        assert_eq!(span("2m"), Ok(120_000));
        assert_eq!(span("1h"), Ok(3_600_000));
        assert_eq!(span("7d"), Ok(604_800_000));
        for bad in [
            "",
            "7",
            "d",
            "1.5h",
            "-1s",
            "99999999999999999d",
            "1é",
            "1ss",
        ] {
            assert!(span(bad).is_err(), "accepted `{bad}`");
        }
    }

    #[test]
    fn a_moment_is_a_time_or_a_span_ago() {
        let moment: Moment = "2026-11-19T03:30:00+01:00".parse().unwrap();
        assert_eq!(moment.text(), "2026-11-19T02:30:00Z");
        let ago: Moment = "1h".parse().unwrap();
        assert!(now_ms() - ago.ms >= 3_600_000);
        assert!("yesterday".parse::<Moment>().is_err());
        let day: Day = "2026-11-19".parse().unwrap();
        assert_eq!(timestamp::format(day.ms), "2026-11-19T00:00:00Z");
        assert_eq!(
            "2026-11-19T03:30:00+01:00".parse(),
            Ok(Day { ms: moment.ms })
        );
        assert!("2026-13-01".parse::<Day>().is_err());
    }

    #[test]
    fn a_moment_to_come_is_a_time_or_a_span_from_now() {
        let time: Coming = "2026-11-19T03:30:00+01:00".parse().unwrap();
        assert_eq!(timestamp::format(time.ms), "2026-11-19T02:30:00Z");
        let before = now_ms();
        let ahead: Coming = "1h".parse().unwrap();
        assert!(ahead.ms >= before + 3_600_000);
        assert!("tomorrow".parse::<Coming>().is_err());
    }
}
