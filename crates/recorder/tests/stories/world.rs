//! A recorder on a fresh journal, with the people and things that every story needs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use journal::key::{LogKey, PermitKey};
use model::kind::{AccessRole, FlowPattern, Grant, Scope};
use model::{EntryHash, Fingerprint, JournalId, Name, PersonId};
use policy::{PolicyForm, PolicySource};
use recorder::*;
use store::{Clock, Options, Sqlite, Store};
use tempfile::TempDir;

/// A clock that stands still until it is told otherwise.
pub struct ManualClock(AtomicU64);

impl ManualClock {
    pub fn advance(&self, ms: u64) {
        self.0.fetch_add(ms, Ordering::SeqCst);
    }

    /// Sets both sources back, as a restart after an hour ahead would find them.
    pub fn go_back(&self, ms: u64) {
        self.0.fetch_sub(ms, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn wall_ms(&self) -> u64 {
        1_790_000_000_000 + self.0.load(Ordering::SeqCst)
    }

    fn elapsed_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// Bytes that count up, so that every run is the same.
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), RecorderError> {
        let value = self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        buffer
            .iter_mut()
            .zip(value.iter().rev().cycle())
            .for_each(|(to, from)| *to = *from);
        Ok(())
    }
}

pub struct World {
    pub recorder: Arc<Recorder>,
    pub clock: Arc<ManualClock>,
    pub admin: Caller,
    pub ci: Caller,
    pub alice: (PersonId, Caller),
    pub bob: (PersonId, Caller),
    pub carol: (PersonId, Caller),
    pub store: Arc<dyn Store>,
    _folder: TempDir,
}

pub fn name(text: &str) -> Name {
    text.parse().unwrap()
}

pub fn fingerprint(byte: u8) -> Fingerprint {
    Fingerprint([byte; 32])
}

/// Policies compiled once for all tests.
pub fn policies() -> Policies {
    let folder = concat!(env!("CARGO_TARGET_TMPDIR"), "/policies");
    let cache = policy::Cache::in_folder(folder, [7; 32]);
    Policies::new(policy::stock::engine().into(), Some(cache)).unwrap()
}

/// Starts a recorder; what is random for one differs by `number` from what is for another.
pub async fn start(
    store: &Arc<dyn Store>,
    clock: &Arc<ManualClock>,
    sharing: Sharing,
    number: u64,
    policies: Policies,
) -> Arc<Recorder> {
    let parts = Parts {
        sharing,
        ..parts(store, clock, number, policies)
    };
    Arc::new(Recorder::start(parts).await.unwrap())
}

/// Starts another recorder, alone, on a host that demands signatures by these keys.
pub async fn start_with(
    store: &Arc<dyn Store>,
    clock: &Arc<ManualClock>,
    policy_keys: Vec<PolicyKey>,
) -> Arc<Recorder> {
    let parts = Parts {
        policy_keys,
        ..parts(store, clock, 3, policies())
    };
    Arc::new(Recorder::start(parts).await.unwrap())
}

fn parts(
    store: &Arc<dyn Store>,
    clock: &Arc<ManualClock>,
    number: u64,
    policies: Policies,
) -> Parts {
    Parts {
        store: store.clone(),
        clock: clock.clone(),
        entropy: Arc::new(Counting(AtomicU64::new(number << 32))),
        alias_key: AliasKey([3; 32]),
        permit_key: PermitKey::new(&[2; 32]),
        policies,
        policy_keys: Vec::new(),
        sharing: Sharing::Alone,
    }
}

impl World {
    pub async fn solo() -> Self {
        Self::new(true).await
    }

    pub async fn new(solo: bool) -> Self {
        Self::on(solo, Sharing::Alone, |store| store).await
    }

    /// A journal in which several record, on a store that sees all that is asked of it.
    pub async fn shared(wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>) -> Self {
        Self::on(true, Sharing::Shared, wrap).await
    }

    async fn on(
        solo: bool,
        sharing: Sharing,
        wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
    ) -> Self {
        let folder = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock(AtomicU64::new(0)));
        let journal: JournalId = "trailmark/test".parse().unwrap();
        let permit_key = PermitKey::new(&[2; 32]);
        let charter = Charter {
            name: "Test".into(),
            people_by_key: true,
            solo,
        };
        let draft = genesis(&charter, &LogKey::new(&journal, &[1; 32]), &permit_key).unwrap();
        let options = Options {
            clock: clock.clone(),
            ..Options::new(folder.path().join("data"))
        };
        let (store, _) = Sqlite::create(options, &journal, &[1; 32], draft)
            .await
            .unwrap();
        let store = wrap(Arc::new(store));
        let recorder = start(&store, &clock, sharing, 0, policies()).await;
        let first = recorder.add_first_key().await.unwrap().unwrap();
        let admin = authenticated(&recorder, &first.token);
        let ci = key(
            &recorder,
            &admin,
            None,
            &[AccessRole::Reporter, AccessRole::Snapshotter],
        )
        .await;
        let alice = person(&recorder, &admin, "Alice").await;
        let bob = person(&recorder, &admin, "Bob").await;
        let carol = person(&recorder, &admin, "Carol").await;
        let add = AddAlias {
            alias: "email:alice@example.com".parse().unwrap(),
            person: alice.0.clone(),
        };
        recorder.add_alias(&admin, add).await.unwrap();
        let flow = DefineFlow {
            description: String::new(),
            flow: name("payments"),
            required: serde_json::from_str(
                r#"[{"name":"unit-tests","subject":"artifact","type":"junit"}]"#,
            )
            .unwrap(),
        };
        recorder.define_flow(&admin, flow).await.unwrap();
        let production = DefineEnvironment {
            description: String::new(),
            environment: name("production"),
        };
        recorder
            .define_environment(&admin, production)
            .await
            .unwrap();
        Self {
            recorder,
            clock,
            admin,
            ci,
            alice,
            bob,
            carol,
            store,
            _folder: folder,
        }
    }

    /// Starts another recorder on the same journal.
    pub async fn another(&self) -> Arc<Recorder> {
        start(&self.store, &self.clock, Sharing::Shared, 1, policies()).await
    }

    pub async fn record(&self, event: Event) -> EntryHash {
        let submission = Submission {
            event,
            claimed_ms: None,
            idempotency: None,
        };
        let appended = self
            .recorder
            .record(&self.ci, vec![submission])
            .await
            .unwrap();
        appended[0].stored.entry.hash()
    }

    /// Begins a trail and records an artifact on it, written by the author of `alias`.
    pub async fn built(&self, trail: &str, byte: u8, alias: &str, previous: Option<Fingerprint>) {
        self.record(Event::Trail(BeginTrail {
            build_url: None,
            commit: None,
            flow: name("payments"),
            repository: None,
            trail: name(trail),
        }))
        .await;
        self.record(artifact(trail, byte, alias, previous)).await;
    }

    pub async fn tested(&self, trail: &str, byte: u8, failures: bool) -> EntryHash {
        self.record(unit_tests(trail, byte, failures)).await
    }

    pub async fn publish(&self, control: &str, form: PolicyForm) -> EntryHash {
        let source = policy::stock::seed(control, form).unwrap().source();
        self.publish_source(control, source).await
    }

    pub async fn publish_source(&self, control: &str, source: PolicySource) -> EntryHash {
        self.recorder
            .publish_policy(&self.admin, name(control), source)
            .await
            .unwrap()
    }

    pub async fn bind(&self, policy: EntryHash) -> EntryHash {
        let bind = BindPolicy {
            advisory: false,
            from_ms: None,
            parameters: serde_json::Value::Null,
            policy,
            scope: Scope::Environment(name("production")),
        };
        self.recorder
            .bind_policy(&self.admin, bind)
            .await
            .unwrap()
            .stored
            .entry
            .hash()
    }

    pub async fn decide(&self, byte: u8) -> Decision {
        self.recorder
            .decide(&self.ci, &question(byte))
            .await
            .unwrap()
    }

    pub async fn approve(&self, who: &Caller, byte: u8) -> EntryHash {
        let request = ApproveRequest {
            comment: None,
            environment: name("production"),
            fingerprint: fingerprint(byte),
            flow: None,
            trail: None,
            ttl_ms: None,
        };
        self.recorder
            .approve(who, &request)
            .await
            .unwrap()
            .stored
            .entry
            .hash()
    }
}

pub fn question(byte: u8) -> DecideRequest {
    DecideRequest {
        environment: name("production"),
        fingerprint: fingerprint(byte),
        flow: None,
        permit: None,
        trail: None,
    }
}

pub fn artifact(trail: &str, byte: u8, alias: &str, previous: Option<Fingerprint>) -> Event {
    let commit = hex::encode([byte; 20]);
    let provenance = serde_json::json!({
        "builder": "test-builder", "commit": commit, "repository": "https://git.example/payments",
        "commits": [{"authors": [alias], "sha": commit}], "previous": previous,
    });
    Event::Artifact(RecordArtifact {
        fingerprint: fingerprint(byte),
        flow: name("payments"),
        name: format!("payments-{byte}"),
        provenance: serde_json::from_value(provenance).unwrap(),
        trail: name(trail),
    })
}

pub fn unit_tests(trail: &str, byte: u8, failures: bool) -> Event {
    let case = if failures { "<failure/>" } else { "" };
    Event::Attestation(Attest {
        fingerprint: Some(fingerprint(byte)),
        flow: name("payments"),
        name: name("unit-tests"),
        report: Report::Text(format!(
            "<testsuite name='s'><testcase name='a'>{case}</testcase></testsuite>"
        )),
        trail: name(trail),
        attestation_type: name("junit"),
    })
}

pub fn authenticated(recorder: &Recorder, token: &str) -> Caller {
    Caller::authenticate(&recorder.definitions(), token, recorder.now_ms()).unwrap()
}

pub async fn key(
    recorder: &Recorder,
    admin: &Caller,
    person: Option<PersonId>,
    roles: &[AccessRole],
) -> Caller {
    let add = AddKey {
        expires_ms: None,
        grants: vec![Grant {
            flow: FlowPattern::Every,
            kinds: Vec::new(),
        }],
        name: name("key"),
        person,
        roles: roles.to_vec(),
    };
    let added = recorder.add_key(admin, add).await.unwrap();
    authenticated(recorder, &added.token)
}

async fn person(recorder: &Recorder, admin: &Caller, called: &str) -> (PersonId, Caller) {
    let person = recorder
        .add_person(
            admin,
            AddPerson {
                name: called.into(),
            },
        )
        .await
        .unwrap();
    let roles = [AccessRole::Approver, AccessRole::PolicyAuthor];
    let caller = key(recorder, admin, Some(person.clone()), &roles).await;
    (person, caller)
}

/// Records a decision as who holds the store and its keys could write it, whatever follows from the record.
pub async fn forged(
    world: &World,
    honest: &Decision,
    grounds: &Grounds,
    verdict: model::kind::Verdict,
    exceptions: u64,
) -> EntryHash {
    let header = honest.appended.stored.entry.header();
    let rule = header.payload(model::Role::Rule).unwrap();
    let mut fields: serde_json::Value = serde_json::from_str(header.fields.get()).unwrap();
    fields["verdict"] = serde_json::to_value(verdict).unwrap();
    fields["exceptions"] = exceptions.into();
    if exceptions == 0 {
        fields.as_object_mut().unwrap().remove("exceptions");
    }
    let mut streams: Vec<_> = header
        .links
        .iter()
        .map(|link| link.stream.clone())
        .collect();
    if verdict == model::kind::Verdict::Denied {
        streams.truncate(2);
    }
    let fields = model::canonical::to_vec(&fields).unwrap();
    let draft = journal::Draft {
        by: header.by.clone(),
        claimed_ms: None,
        fields: serde_json::from_slice(&fields).unwrap(),
        kind: header.kind.clone(),
        streams,
        large: Vec::new(),
        payloads: vec![model::Payload {
            role: model::Role::Rule,
            media_type: rule.media_type.clone(),
            schema: rule.schema.clone(),
            salt: [5; 32],
            bytes: model::canonical::to_vec(grounds).unwrap(),
        }],
        idempotency: None,
        expected: Vec::new(),
    };
    let appended = world.store.append(vec![draft]).await.unwrap();
    appended[0].stored.entry.hash()
}
