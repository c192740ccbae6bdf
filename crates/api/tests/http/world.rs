//! A recorder behind its routers, with a clock and a source of randomness that tests set.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Once};

use api::{AppState, Limits};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use journal::key::{LogKey, PermitKey};
use recorder::{AliasKey, Charter, Entropy, Parts, Policies, Recorder, RecorderError, genesis};
use serde_json::{Value, json};
use store::memory::{Disk, Faults, OutsideFile};
use store::{Clock, Memory};
use tower::ServiceExt as _;

use crate::openapi;

/// 2026-11-19T02:30:00Z.
pub const START_MS: u64 = 1_795_055_400_000;

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
        let world = Self::on(&disk, Some(&outside), true).await;
        let copy = disk.copy();
        world.event(&trail_event("lost")).await;
        let Self {
            clock,
            admin,
            reporter,
            recorder: stopped,
            router,
            ..
        } = world;
        drop((stopped, router));
        disk.put_back(&copy);
        let (journal, seed) = ("trailmark/test".parse().unwrap(), [1; 32]);
        let store = Memory::open(
            &disk,
            Some(&outside),
            Arc::new(clock.clone()),
            (Some(&journal), &seed),
        )
        .unwrap();
        let faults = store.faults();
        let recorder = Arc::new(recorder(store, &clock).await);
        let router = api::all(AppState::new(recorder.clone(), Limits::default()));
        Self {
            router,
            recorder,
            clock,
            faults,
            admin,
            reporter,
        }
    }

    async fn solo(solo: bool) -> Self {
        Self::on(&Disk::default(), None, solo).await
    }

    async fn on(disk: &Disk, outside: Option<&OutsideFile>, solo: bool) -> Self {
        let clock = TestClock(Arc::new(AtomicU64::new(START_MS)));
        let (journal, seed) = ("trailmark/test".parse().unwrap(), [1; 32]);
        let charter = Charter {
            name: "Test".to_owned(),
            people_by_key: true,
            solo,
        };
        let draft = genesis(
            &charter,
            &LogKey::new(&journal, &seed),
            &PermitKey::new(&[2; 32]),
        )
        .unwrap();
        let created = Memory::create(
            disk,
            outside,
            Arc::new(clock.clone()),
            (&journal, &seed),
            draft,
        )
        .await;
        let (store, _) = created.unwrap();
        let faults = store.faults();
        let recorder = Arc::new(recorder(store, &clock).await);
        let admin = recorder.add_first_key().await.unwrap().unwrap().token;
        let router = api::all(AppState::new(recorder.clone(), Limits::default()));
        let mut world = Self {
            router,
            recorder,
            clock,
            faults,
            admin,
            reporter: String::new(),
        };
        world
            .made(&world.admin, "/v1/flows", &json!({"flow": "payments"}))
            .await;
        world
            .made(
                &world.admin,
                "/v1/environments",
                &json!({"environment": "production"}),
            )
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

    pub fn size(&self) -> u64 {
        self.recorder.store().status().size
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

async fn recorder(store: Memory, clock: &TestClock) -> Recorder {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("policy-cache");
    let cache = policy::Cache {
        folder,
        key: [4; 32],
    };
    // Compiling the Rego engine takes long; whoever comes first does it for all.
    static COMPILED: Once = Once::new();
    COMPILED.call_once(|| {
        let config = policy::Config {
            cache: Some(cache.clone()),
            engine: Some(policy::stock::engine().into()),
        };
        let seed = policy::stock::seed("unit-tested", policy::PolicyForm::Rego)
            .unwrap()
            .source();
        policy::Sandbox::new(config)
            .unwrap()
            .prepare(&seed)
            .unwrap();
    });
    let parts = Parts {
        store: Arc::new(store),
        clock: Arc::new(clock.clone()),
        entropy: Arc::new(Counting(AtomicU64::new(1))),
        alias_key: AliasKey([3; 32]),
        permit_key: PermitKey::new(&[2; 32]),
        policies: Policies::new(policy::stock::engine().into(), Some(cache)).unwrap(),
    };
    Recorder::start(parts).await.unwrap()
}

/// Time stands still unless a test moves it.
#[derive(Clone)]
pub struct TestClock(Arc<AtomicU64>);

impl TestClock {
    pub fn advance(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn wall_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn elapsed_ms(&self) -> u64 {
        self.wall_ms() - START_MS
    }
}

/// Counts instead of guessing.
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RecorderError> {
        let count = self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        for (byte, value) in buffer
            .iter_mut()
            .rev()
            .zip(count.iter().rev().chain(std::iter::repeat(&0)))
        {
            *byte = *value;
        }
        Ok(())
    }
}
