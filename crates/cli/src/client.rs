//! One request to the recorder, and its answer.

mod retry;

use std::collections::BTreeMap;
use std::io::Read;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ureq::http::{Response, StatusCode, Uri};
use ureq::{Agent, Body, SendBody};

use self::retry::Retry;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::note;
use crate::secret;

/// An answer that is read as a whole: the longest list has 1,000 entries of at most 4 KiB.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// A first decision may compile its policies.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);
/// Publishing compiles a policy: a whole Python takes half a minute, on a busy machine some.
const PATIENT_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// Talks to one recorder as one key.
pub(crate) struct Client {
    agent: Agent,
    loopback: bool,
    url: String,
    token: Option<String>,
}

/// Makes what sends requests; the time is for an answer to begin, and between two parts of a long one.
fn agent(loopback: bool, timeout: Duration) -> Agent {
    let mut config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_connect(Some(CONNECT_TIMEOUT))
        .timeout_recv_response(Some(timeout))
        .timeout_per_read(Some(timeout))
        .user_agent(concat!("trailmark/", env!("CARGO_PKG_VERSION")));
    if loopback {
        // No proxy leads back to this machine.
        config = config.proxy(None);
    }
    config.build().new_agent()
}

/// A refusal as the recorder words it (RFC 9457).
#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    r#type: String,
    title: String,
    #[serde(default)]
    detail: String,
    hint: Option<String>,
    event: Option<u64>,
    request_id: Option<String>,
}

impl Client {
    pub(crate) fn new(url: &str, token: Option<String>) -> Result<Self> {
        let wrong = || {
            Failure::usage(format!("`{url}` is not the URL of a recorder"))
                .with_hint("for example `--url http://127.0.0.1:7070`")
        };
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else {
            return Err(wrong().into());
        };
        let loopback = is_loopback(host);
        match scheme {
            "https" => {}
            "http" if loopback || token.is_none() => {}
            "http" => note("the key travels unencrypted; use an `https` URL"),
            _ => return Err(wrong().into()),
        }
        Ok(Self {
            agent: agent(loopback, ANSWER_TIMEOUT),
            loopback,
            url: url.trim_end_matches('/').to_owned(),
            token,
        })
    }

    /// Waits longer for each answer: for what compiles policies.
    pub(crate) fn patient(self) -> Self {
        Self {
            agent: agent(self.loopback, PATIENT_TIMEOUT),
            ..self
        }
    }

    /// Reads something.
    pub(crate) fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value> {
        json(self.send_get(path, query)?)
    }

    /// Reads a text.
    pub(crate) fn get_text(&self, path: &str) -> Result<String> {
        text(self.send_get(path, &[])?)
    }

    /// Reads something that is answered in full whether it is well or not, and says which.
    pub(crate) fn get_health(&self, path: &str) -> Result<(bool, Value)> {
        let request = self.agent.get(format!("{}{path}", self.url));
        let answer = request.call().map_err(|error| self.unreachable(error))?;
        Ok((answer.status().is_success(), json(answer)?))
    }

    /// Reads something long, part by part.
    pub(crate) fn download(&self, path: &str, query: &[(&str, &str)]) -> Result<impl Read + use<>> {
        Ok(self.send_get(path, query)?.into_body().into_reader())
    }

    /// Has something done, once: a lost answer is told, never sent again.
    pub(crate) fn post(&self, path: &str, body: &impl Serialize) -> Result<Value> {
        let body = serde_json::to_vec(body).context("could not write the request")?;
        self.post_bytes(path, &[], "application/json", &body)
    }

    /// As [`Client::post`], with a body that is sent as it is.
    pub(crate) fn post_bytes(
        &self,
        path: &str,
        query: &[(&str, &str)],
        media_type: &str,
        body: &[u8],
    ) -> Result<Value> {
        let request = self
            .agent
            .post(format!("{}{path}", self.url))
            .query_pairs(query.iter().copied())
            .header("content-type", media_type);
        json(self.taken(self.authorized(request).send(body))?)
    }

    /// Records an event. It is sent again when it got no answer or the recorder could not take it at present: the key
    /// makes sure that it is recorded once.
    pub(crate) fn record(&self, event: &recorder::Event, idempotency_key: &str) -> Result<Value> {
        let body = serde_json::to_vec(event).context("could not write the event")?;
        let mut retry = Retry::default();
        loop {
            let request = self
                .agent
                .post(format!("{}/v1/events", self.url))
                .header("content-type", "application/json")
                .header("idempotency-key", idempotency_key);
            let answer = self.authorized(request).send(body.as_slice());
            match retry.pause(&answer) {
                Some(pause) => std::thread::sleep(pause),
                None => return json(self.taken(answer)?),
            }
        }
    }

    /// Sends a file's bytes to where the recorder said, which may be somebody else: with the headers that it said, and no
    /// key. What is there already is what was to be sent: nobody takes anything else under that name.
    pub(crate) fn put(
        &self,
        url: &str,
        headers: &BTreeMap<String, String>,
        body: &dyn Fn() -> Result<(u64, Box<dyn Read>)>,
    ) -> Result<()> {
        let url = match url.strip_prefix('/') {
            Some(path) => format!("{}/{path}", self.url),
            None => url.to_owned(),
        };
        let mut retry = Retry::default();
        loop {
            let (size, mut body) = body()?;
            let mut request = self.agent.put(&url);
            for (name, value) in headers {
                if !["host", "content-length"].contains(&name.as_str()) {
                    request = request.header(name, value);
                }
            }
            let request = request.header("content-length", size.to_string());
            let answer = request.send(SendBody::from_reader(&mut body));
            match retry.pause(&answer) {
                Some(pause) => std::thread::sleep(pause),
                None => match answer {
                    Ok(answer) if answer.status() == StatusCode::PRECONDITION_FAILED => {
                        return Ok(());
                    }
                    answer => return self.taken(answer).map(drop),
                },
            }
        }
    }

    fn send_get(&self, path: &str, query: &[(&str, &str)]) -> Result<Response<Body>> {
        let request = self
            .agent
            .get(format!("{}{path}", self.url))
            .query_pairs(query.iter().copied());
        self.taken(self.authorized(request).call())
    }

    fn authorized<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        match &self.token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        }
    }

    /// Takes an answer, or says why there is none or what it refuses.
    fn taken(&self, answer: Result<Response<Body>, ureq::Error>) -> Result<Response<Body>> {
        let answer = answer.map_err(|error| self.unreachable(error))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status().as_u16();
        let body = text(answer)?;
        Err(match serde_json::from_str::<Problem>(&body) {
            Ok(problem) => problem.into_failure(status, self.token.is_some()),
            Err(_) => Failure::new(
                Exit::Failed,
                format!("`{}` answered with status {status}", self.url),
            )
            .with_hint("is it a trailmark recorder?"),
        }
        .into())
    }

    fn unreachable(&self, error: ureq::Error) -> Failure {
        Failure::new(
            Exit::Failed,
            format!("could not reach the recorder at `{}`", self.url),
        )
        .because(error)
        .with_hint("start one with `trailmark serve`, or name another with `--url`")
    }
}

impl Problem {
    fn into_failure(self, status: u16, had_token: bool) -> Failure {
        let exit = match status {
            400 | 405 | 406 | 415 => Exit::of(model::Class::Caller),
            _ if self.r#type.ends_with("/corrupt") => Exit::of(model::Class::Corrupt),
            _ => Exit::Failed,
        };
        let said = if self.detail.is_empty() {
            self.title
        } else {
            self.detail
        };
        let said = match self.event {
            Some(event) => format!("event `{event}`: {said}"),
            None => said,
        };
        let failure = Failure::new(exit, said);
        let hint = if status == 401 && !had_token {
            Some("pass a key: `--token`, `--token-file` or `TRAILMARK_TOKEN`".to_owned())
        } else {
            let logged = |id| format!("the recorder's log has more under request `{id}`");
            self.hint
                .or_else(|| self.request_id.filter(|_| status >= 500).map(logged))
        };
        match hint {
            Some(hint) => failure.with_hint(hint),
            None => failure,
        }
    }
}

/// Makes an idempotency key that nobody else has.
pub(crate) fn random_key() -> Result<String> {
    Ok(hex::encode(secret::random::<16>()?))
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

fn text(answer: Response<Body>) -> Result<String> {
    answer
        .into_body()
        .into_with_config()
        .limit(ANSWER_BYTES_MAX)
        .read_to_string()
        .context("could not read the recorder's answer")
}

fn json(answer: Response<Body>) -> Result<Value> {
    serde_json::from_str(&text(answer)?).context("the recorder's answer is not JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        for host in ["localhost", "127.0.0.1", "127.9.9.9", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["example.com", "10.0.0.1", "localhost.example.com", "[::2]"] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn what_is_no_url_of_a_recorder_is_a_wrong_usage() {
        for url in ["", "127.0.0.1:7070", "ftp://127.0.0.1", "/v1", "http://"] {
            assert!(Client::new(url, None).is_err(), "accepted `{url}`");
        }
        let client = Client::new("http://127.0.0.1:7070/", None).unwrap();
        assert_eq!(client.url, "http://127.0.0.1:7070");
    }
}
