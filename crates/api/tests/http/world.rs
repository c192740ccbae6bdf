//! A recorder behind its routers, with a clock and a source of randomness that tests set.

mod parts;

use std::path::Path;
use std::sync::Arc;

use api::{AppState, Limits};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use recorder::Recorder;
use serde_json::{Value, json};
use store::memory::{Disk, Faults, OutsideFile};
use store::{Memory, Options, Sqlite, Store};
use tower::ServiceExt as _;

pub use self::parts::START_MS;
use self::parts::TestClock;
use crate::log;
use crate::openapi;

pub struct World {
    pub router: Router,
    pub recorder: Arc<Recorder>,
    pub clock: TestClock,
    pub faults: Arc<Faults>,
    pub admin: String,
    pub reporter: String,
}

/// What came back.
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Bytes,
}

impl World {
    /// A journal with a flow `payments`, an environment `production`, and a key that may report for the flow.
    pub async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    pub async fn with(limits: Limits) -> Self {
        let mut world = Self::solo(true).await;
        world.router = api::all(AppState::new(world.recorder.clone(), limits));
        world
    }

    pub async fn without_solo() -> Self {
        Self::solo(false).await
    }

    /// A journal of which an old copy was put back.
    pub async fn read_only() -> Self {
        let (disk, outside) = (Disk::default(), OutsideFile::default());
        let mut world = Self::in_memory(&disk, Some(&outside), true).await;
        let copy = disk.copy();
        world.event(&trail_event("lost")).await;
        disk.put_back(&copy);
        let (journal, seed) = ("trailmark/test".parse().unwrap(), [1; 32]);
        let clock = Arc::new(world.clock.clone());
        let store = Memory::open(&disk, Some(&outside), clock, (Some(&journal), &seed)).unwrap();
        world.recorder = Arc::new(parts::recorder(Arc::new(store), &world.clock).await);
        world.router = api::all(AppState::new(world.recorder.clone(), Limits::default()));
        world
    }

    /// A journal on disk, which may not become larger.
    pub async fn on_disk(folder: &Path, bytes_max: u64) -> Self {
        log::listen();
        let clock = TestClock::start();
        let options = Options {
            clock: Arc::new(clock.clone()),
            bytes_max: Some(bytes_max),
            ..Options::new(folder)
        };
        let (journal, seed) = ("trailmark/test".parse().unwrap(), [1; 32]);
        let created = Sqlite::create(options, &journal, &seed, parts::genesis_draft(true)).await;
        Self::over(Arc::new(created.unwrap().0), clock).await
    }

    async fn solo(solo: bool) -> Self {
        Self::in_memory(&Disk::default(), None, solo).await
    }

    async fn in_memory(disk: &Disk, outside: Option<&OutsideFile>, solo: bool) -> Self {
        log::listen();
        let clock = TestClock::start();
        let (journal, seed) = ("trailmark/test".parse().unwrap(), [1; 32]);
        let (draft, shared) = (parts::genesis_draft(solo), Arc::new(clock.clone()));
        let created = Memory::create(disk, outside, shared, (&journal, &seed), draft).await;
        let (store, _) = created.unwrap();
        let faults = store.faults();
        Self {
            faults,
            ..Self::over(Arc::new(store), clock).await
        }
    }

    async fn over(store: Arc<dyn Store>, clock: TestClock) -> Self {
        let recorder = Arc::new(parts::recorder(store, &clock).await);
        let admin = recorder.add_first_key().await.unwrap().unwrap().token;
        let router = api::all(AppState::new(recorder.clone(), Limits::default()));
        let mut world = Self {
            router,
            recorder,
            clock,
            faults: Arc::default(),
            admin,
            reporter: String::new(),
        };
        let flow = json!({"flow": "payments"});
        world.made(&world.admin, "/v1/flows", &flow).await;
        let environment = json!({"environment": "production"});
        world
            .made(&world.admin, "/v1/environments", &environment)
            .await;
        let key = json!({"name": "ci", "roles": ["reporter", "snapshotter"], "grants": [{"flow": "payments"}]});
        world.reporter = world.token(&key).await;
        world
    }

    /// Adds a key and returns its token.
    pub async fn token(&self, key: &Value) -> String {
        self.made(&self.admin, "/v1/keys", key).await["token"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Sends a request, and holds the exchange against the OpenAPI document.
    pub async fn send(&self, request: Request<Body>) -> Reply {
        let (method, path) = (request.method().clone(), request.uri().to_string());
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let reply = Reply {
            status: head.status,
            headers: head.headers,
            bytes,
        };
        openapi::check_answer(
            &method,
            &path,
            reply.status,
            reply.header("content-type"),
            &reply.bytes,
        );
        reply
    }

    /// Posts bytes with headers beside the key.
    pub async fn post_as(
        &self,
        token: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Reply {
        let mut request = Request::post(path).header("authorization", format!("Bearer {token}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.into().collect().await.unwrap().to_bytes();
        let reply = self
            .send(request.body(Body::from(body.clone())).unwrap())
            .await;
        let media_type = headers.iter().find(|(name, _)| *name == "content-type");
        let binary = headers.iter().any(|(name, _)| name.starts_with("ce-"));
        if let Some((_, media_type)) = media_type.filter(|_| reply.status.is_success() && !binary) {
            openapi::check_request(&Method::POST, path, media_type, &body);
        }
        reply
    }

    pub async fn post(&self, token: &str, path: &str, body: &Value) -> Reply {
        self.post_as(
            token,
            path,
            &[("content-type", "application/json")],
            body.to_string(),
        )
        .await
    }

    pub async fn get(&self, token: &str, path: &str) -> Reply {
        let request = Request::get(path).header("authorization", format!("Bearer {token}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Posts what must succeed.
    pub async fn made(&self, token: &str, path: &str, body: &Value) -> Value {
        let reply = self.post(token, path, body).await;
        assert!(
            reply.status.is_success(),
            "{path}: {} {}",
            reply.status,
            reply.text()
        );
        reply.json()
    }

    /// Posts an event as the reporter.
    pub async fn event(&self, event: &Value) -> Value {
        self.made(&self.reporter, "/v1/events", event).await
    }

    /// Records a trail with an artifact on it.
    pub async fn artifact(&self, trail: &str, fingerprint: &str) {
        self.event(&json!([
            trail_event(trail),
            artifact_event(trail, fingerprint)
        ]))
        .await;
    }

    pub async fn size(&self) -> u64 {
        self.recorder.store().status().await.unwrap().size
    }
}

impl Reply {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("no JSON: {:?}", self.bytes))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Returns a problem in one line: status, type, place and detail.
    pub fn problem(&self) -> String {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{} {}",
            self.status,
            self.text()
        );
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        let event = problem["event"]
            .as_u64()
            .map(|at| format!(" event {at}"))
            .unwrap_or_default();
        let kind = problem["type"]
            .as_str()
            .unwrap()
            .trim_start_matches("/problems/");
        format!(
            "{} {kind}{event}: {}",
            self.status.as_u16(),
            problem["detail"].as_str().unwrap()
        )
    }
}

pub fn fingerprint(digit: char) -> String {
    digit.to_string().repeat(64)
}

pub fn trail_event(trail: &str) -> Value {
    json!({"kind": "trail", "flow": "payments", "trail": trail})
}

pub fn artifact_event(trail: &str, fingerprint: &str) -> Value {
    json!({
        "kind": "artifact", "flow": "payments", "trail": trail, "fingerprint": fingerprint, "name": "payments.tar",
        "provenance": {"builder": "ci", "commit": "a".repeat(40), "repository": "https://example.com/payments"},
    })
}

pub fn attestation_event(trail: &str, fingerprint: &str, report: &Value) -> Value {
    json!({
        "kind": "attestation", "flow": "payments", "trail": trail, "fingerprint": fingerprint,
        "name": "unit-tests", "type": "junit", "report": report,
    })
}
