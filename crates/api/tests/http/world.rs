//! A recorder behind its routers, with a clock and a source of randomness that tests set.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use api::{AppState, Limits};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use journal::key::{LogKey, PermitKey};
use recorder::{AliasKey, Charter, Entropy, Parts, Policies, Recorder, RecorderError, genesis};
use serde_json::{Value, json};
use store::memory::{Disk, Faults, OutsideFile};
use store::{Clock, Memory};
use tower::ServiceExt as _;

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
    pub async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    /// A journal with a flow `payments`, an environment `production`, and a key that may report for the flow.
    pub async fn with(limits: Limits) -> Self {
        let clock = TestClock(Arc::new(AtomicU64::new(START_MS)));
        let (journal, seed) = ("trailmark/test".parse().unwrap(), [1; 32]);
        let charter = Charter { name: "Test".to_owned(), people_by_key: true, solo: true };
        let draft = genesis(&charter, &LogKey::new(&journal, &seed), &PermitKey::new(&[2; 32])).unwrap();
        let shared_clock: Arc<dyn Clock> = Arc::new(clock.clone());
        let (store, _) =
            Memory::create(&Disk::default(), None::<&OutsideFile>, shared_clock.clone(), (&journal, &seed), draft).await.unwrap();
        let faults = store.faults();
        let recorder = Recorder::start(Parts {
            store: Arc::new(store),
            clock: shared_clock,
            entropy: Arc::new(Counting(AtomicU64::new(1))),
            alias_key: AliasKey([3; 32]),
            permit_key: PermitKey::new(&[2; 32]),
            policies: policies(),
        });
        let recorder = Arc::new(recorder.await.unwrap());
        let admin = recorder.add_first_key().await.unwrap().unwrap().token;
        let router = api::all(AppState::new(recorder.clone(), limits));
        let mut world = Self { router, recorder, clock, faults, admin, reporter: String::new() };
        let admin = world.admin.clone();
        world.made(&admin, "/v1/flows", &json!({"flow": "payments"})).await;
        world.made(&admin, "/v1/environments", &json!({"environment": "production"})).await;
        let every = json!({"name": "ci", "roles": ["reporter", "snapshotter"], "grants": [{"flow": "payments"}]});
        world.reporter = world.made(&admin, "/v1/keys", &every).await["token"].as_str().unwrap().to_owned();
        world
    }

    pub async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        Reply { status: head.status, headers: head.headers, bytes: body.collect().await.unwrap().to_bytes() }
    }

    /// Posts bytes with headers beside the key.
    pub async fn post_as(&self, token: &str, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Reply {
        let mut request = Request::post(path).header("authorization", format!("Bearer {token}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(body.into()).unwrap()).await
    }

    pub async fn post(&self, token: &str, path: &str, body: &Value) -> Reply {
        self.post_as(token, path, &[("content-type", "application/json")], body.to_string()).await
    }

    pub async fn get(&self, token: &str, path: &str) -> Reply {
        let request = Request::get(path).header("authorization", format!("Bearer {token}"));
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Posts what must succeed.
    pub async fn made(&self, token: &str, path: &str, body: &Value) -> Value {
        let reply = self.post(token, path, body).await;
        assert!(reply.status.is_success(), "{path}: {} {}", reply.status, reply.text());
        reply.json()
    }

    /// Posts an event as the reporter.
    pub async fn event(&self, event: &Value) -> Value {
        self.made(&self.reporter, "/v1/events", event).await
    }

    /// Records a trail with an artifact on it.
    pub async fn artifact(&self, trail: &str, fingerprint: &str) {
        self.event(&json!([trail_event(trail), artifact_event(trail, fingerprint)])).await;
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
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Returns a problem in one line: status, type, place and detail.
    pub fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{} {}", self.status, self.text());
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        assert_eq!(problem["request_id"], self.header("x-request-id"));
        let event = problem["event"].as_u64().map(|at| format!(" event {at}")).unwrap_or_default();
        let kind = problem["type"].as_str().unwrap().trim_start_matches("/problems/");
        format!("{} {kind}{event}: {}", self.status.as_u16(), problem["detail"].as_str().unwrap())
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

pub fn policies() -> Policies {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("policy-cache");
    Policies::new(policy::stock::engine().into(), Some(policy::Cache { folder, key: [4; 32] })).unwrap()
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
        for (byte, value) in buffer.iter_mut().rev().zip(count.iter().rev().chain(std::iter::repeat(&0))) {
            *byte = *value;
        }
        Ok(())
    }
}
