//! A server with a journal of its own, and what is sent to it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use journal::key::{LogKey, PermitKey};
use model::kind::{AccessRole, FlowPattern, Grant};
use model::{JournalId, Name};
use recorder::*;
use store::{Options, Sqlite};
use tempfile::TempDir;

/// Trails that events are spread over, as they are over the runs of many pipelines.
pub const TRAILS: usize = 400;

pub struct World {
    pub address: SocketAddr,
    pub token: String,
    pub admin: Caller,
    pub recorder: Arc<Recorder>,
    pub folder: TempDir,
    journal: JournalId,
}

pub fn name(text: &str) -> Name {
    text.parse().unwrap()
}

impl World {
    pub async fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let journal: JournalId = "trailmark/bench".parse().unwrap();
        let charter = Charter {
            name: "Bench".into(),
            people_by_key: true,
            solo: true,
        };
        let permit_key = PermitKey::new(&[2; 32]);
        let draft = genesis(&charter, &LogKey::new(&journal, &[1; 32]), &permit_key).unwrap();
        let options = options(&folder);
        let (store, _) = Sqlite::create(options, &journal, &[1; 32], draft)
            .await
            .unwrap();
        let recorder = Arc::new(start(store, policies()).await);
        let first = recorder.add_first_key().await.unwrap().unwrap();
        let admin = authenticated(&recorder, &first.token);
        let grants = vec![Grant {
            flow: FlowPattern::Every,
            kinds: Vec::new(),
        }];
        let roles = vec![AccessRole::Reporter];
        let add = AddKey {
            expires_ms: None,
            grants,
            name: name("ci"),
            person: None,
            roles,
        };
        let token = recorder.add_key(&admin, add).await.unwrap().token;
        let flow = DefineFlow {
            description: String::new(),
            flow: name("bench"),
            required: Vec::new(),
        };
        recorder.define_flow(&admin, flow).await.unwrap();
        let environment = DefineEnvironment {
            description: String::new(),
            environment: name("production"),
        };
        recorder
            .define_environment(&admin, environment)
            .await
            .unwrap();

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = api::all(api::AppState::new(recorder.clone(), api::Limits::default()));
        let server = recorder.clone();
        tokio::spawn(async move { server.keep_heads().await });
        tokio::spawn(async move {
            api::serve(
                listener,
                router,
                &api::Limits::default(),
                std::future::pending(),
            )
            .await
        });
        let world = Self {
            address,
            token,
            admin,
            recorder,
            folder,
            journal,
        };
        for trail in 0..TRAILS {
            world.record(trail_begins(&format!("trail-{trail}"))).await;
        }
        world
    }

    pub fn ci(&self) -> Caller {
        authenticated(&self.recorder, &self.token)
    }

    pub async fn record(&self, event: Event) {
        let submission = Submission {
            event,
            claimed_ms: None,
            idempotency: None,
        };
        self.recorder
            .record(&self.ci(), vec![submission])
            .await
            .unwrap();
    }

    /// An event of about 500 bytes.
    pub fn attestation(&self, trail: usize) -> String {
        let note = "x".repeat(300);
        format!(
            r#"{{"kind":"attestation","flow":"bench","trail":"trail-{trail}","name":"load","type":"generic","report":{{"json":{{"outcome":"passed","data":{{"note":"{note}"}}}}}}}}"#
        )
    }

    pub fn batch(&self, trail: usize, events: usize) -> String {
        let events: Vec<String> = (0..events)
            .map(|event| self.attestation((trail + event) % TRAILS))
            .collect();
        format!("[{}]", events.join(","))
    }

    /// Records events without HTTP; returns events a second.
    pub async fn in_process(&self, writers: usize, events: usize) -> f64 {
        let each = events / writers;
        let start = Instant::now();
        let tasks: Vec<_> = (0..writers)
            .map(|writer| {
                let (recorder, ci) = (self.recorder.clone(), self.ci());
                let body = self.attestation(writer * 3);
                tokio::spawn(async move {
                    for _ in 0..each {
                        let event = serde_json::from_str(&body).unwrap();
                        let submission = Submission {
                            event,
                            claimed_ms: None,
                            idempotency: None,
                        };
                        recorder.record(&ci, vec![submission]).await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        f64::from(u32::try_from(each * writers).unwrap()) / start.elapsed().as_secs_f64()
    }

    /// Opens a copy of the journal as a restarted server would; returns its entries and the time it took.
    pub async fn restart(&self) -> (u64, Duration) {
        let copy = TempDir::new().unwrap();
        for entry in std::fs::read_dir(self.folder.path()).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
            }
        }
        let policies = policies();
        let begun = Instant::now();
        let store = Sqlite::open(options(&copy), Some(&self.journal), &[1; 32]).unwrap();
        let recorder = start(store, policies).await;
        (
            recorder.store().status().await.unwrap().size,
            begun.elapsed(),
        )
    }
}

fn options(folder: &TempDir) -> Options {
    Options::new(folder.path())
}

fn policies() -> Policies {
    let folder = concat!(env!("CARGO_TARGET_TMPDIR"), "/bench-policies");
    let cache = policy::Cache::in_folder(folder, [7; 32]);
    Policies::new(policy::stock::engine().into(), Some(cache)).unwrap()
}

async fn start(store: Sqlite, policies: Policies) -> Recorder {
    let parts = Parts {
        store: Arc::new(store),
        clock: Arc::new(store::SystemClock::start()),
        entropy: Arc::new(SystemEntropy),
        alias_key: AliasKey([3; 32]),
        permit_key: PermitKey::new(&[2; 32]),
        policies,
        policy_keys: Vec::new(),
        sharing: Sharing::Alone,
    };
    Recorder::start(parts).await.unwrap()
}

fn authenticated(recorder: &Recorder, token: &str) -> Caller {
    Caller::authenticate(&recorder.definitions(), token, recorder.now_ms()).unwrap()
}

pub fn trail_begins(trail: &str) -> Event {
    Event::Trail(BeginTrail {
        build_url: None,
        commit: None,
        flow: name("bench"),
        repository: None,
        trail: name(trail),
    })
}
