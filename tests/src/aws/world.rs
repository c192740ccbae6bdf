//! A journal with people, a flow, an environment and policies, and one recorder for each function, as in a stack.

use std::sync::Arc;

use journal::key::{LogKey, PermitKey, ReceiptKey};
use journal::receipt::{RECEIPT_KEY_MS_MAX, ReceiptTerms};
use model::kind::{AccessRole, FlowPattern, Grant, Scope};
use model::{JournalId, Name};
use policy::PolicyForm;
use recorder::*;
use store::aws::{Dynamo, LOOK_EVERY_MS, PROMISE_WINDOW_MS, Promiser, Sealer, Settings};
use store::conformance::TestClock;
use store::{Clock, Store};

use super::place::Place;

/// The seeds of the journal's keys; the log's is that of the store's own suite.
pub const LOG_SEED: [u8; 32] = store::conformance::SEED;
const PERMIT_SEED: [u8; 32] = [2; 32];
const RECEIPT_SEED: [u8; 32] = [9; 32];
/// The policies in force, half of them sources.
const POLICIES: [(&str, PolicyForm); 3] = [
    ("unit-tested", PolicyForm::Rego),
    ("security-scanned", PolicyForm::Rego),
    ("four-eyes", PolicyForm::Component),
];

/// A stack.
pub struct World {
    /// Its table and buckets.
    pub place: Place,
    /// The time of all of it.
    pub clock: Arc<TestClock>,
    /// Its journal.
    pub journal: JournalId,
    /// Gives entries their places.
    pub sealer: Sealer,
    /// Records events.
    pub ingest: Recorder,
    /// Decides: nothing of what `ingest` has in memory is in its.
    pub decide: Recorder,
    /// Records approvals.
    pub approve: Recorder,
    /// Records snapshots.
    pub snapshot: Recorder,
    /// Writes `heads` entries, as the function `seal` does.
    pub seal: Recorder,
    /// Who may do everything.
    pub admin: Caller,
    /// Who reports and observes.
    pub ci: Caller,
    /// Who approves, and has no part in any change.
    pub approver: Caller,
}

/// Parses a name.
#[must_use]
pub fn name(text: &str) -> Name {
    text.parse().unwrap()
}

impl World {
    /// Makes a stack with its journal, in which policies are in force.
    pub async fn new(place: Place) -> Self {
        let journal: JournalId = "trailmark/acme".parse().unwrap();
        let clock = Arc::new(TestClock::default());
        let log_key = LogKey::new(&journal, &LOG_SEED);
        let charter = Charter {
            name: "Acme".into(),
            people_by_key: true,
            solo: true,
        };
        let draft = genesis(&charter, &log_key, &PermitKey::new(&PERMIT_SEED)).unwrap();
        let settings = settings(&place, &journal, &clock);
        let (store, _) = Dynamo::create(&settings, draft).await.unwrap();
        let sealer = Sealer::new(
            &place.clients,
            &place.address,
            &journal,
            Arc::new(log_key),
            Arc::clone(&clock) as Arc<dyn Clock>,
        );
        let store: Arc<dyn Store> = Arc::new(store);
        let ingest = recorder(&store, &clock).await;
        let first = ingest.add_first_key().await.unwrap().unwrap();
        let admin = caller(&ingest, &first.token);
        let ci = key(
            &ingest,
            &admin,
            None,
            &[AccessRole::Reporter, AccessRole::Snapshotter],
        )
        .await;
        let person = AddPerson { name: "Bob".into() };
        let person = ingest.add_person(&admin, person).await.unwrap();
        let approver = key(&ingest, &admin, Some(person), &[AccessRole::Approver]).await;
        let author = AddPerson {
            name: "Alice".into(),
        };
        let author = ingest.add_person(&admin, author).await.unwrap();
        let alias = AddAlias {
            alias: "email:alice@example.com".parse().unwrap(),
            person: author,
        };
        ingest.add_alias(&admin, alias).await.unwrap();
        define(&ingest, &admin).await;
        // Definitions count for decisions a minute later.
        clock.pass(61_000);
        Self {
            decide: recorder(&opened(&settings).await, &clock).await,
            approve: recorder(&opened(&settings).await, &clock).await,
            snapshot: recorder(&opened(&settings).await, &clock).await,
            seal: recorder(&opened(&settings).await, &clock).await,
            place,
            clock,
            journal,
            sealer,
            ingest,
            admin,
            ci,
            approver,
        }
    }

    /// Seals all that waits, as one run of the function `seal` does.
    pub async fn seal(&self) {
        while self.sealer.run().await.unwrap().remaining > 0 {}
        self.seal.write_heads_if_due().await.unwrap();
    }
}

/// Returns settings with which a journal of ours can be written.
#[must_use]
pub fn settings(place: &Place, journal: &JournalId, clock: &Arc<TestClock>) -> Settings {
    let key = ReceiptKey::new(&RECEIPT_SEED);
    let from_ms = clock.wall_ms() - 60_000;
    let terms = ReceiptTerms {
        key: key.public(),
        from_ms,
        until_ms: from_ms + RECEIPT_KEY_MS_MAX,
    };
    let voucher = LogKey::new(journal, &LOG_SEED)
        .vouch_receipt(terms)
        .unwrap();
    Settings {
        promiser: Some(Arc::new(Promiser::new(key, voucher, PROMISE_WINDOW_MS))),
        clock: Some(Arc::clone(clock) as Arc<dyn Clock>),
        look_every_ms: LOOK_EVERY_MS,
        ..Settings::new(
            place.address.clone(),
            place.clients.clone(),
            journal.clone(),
        )
    }
}

/// Opens the journal, as each function does for itself.
async fn opened(settings: &Settings) -> Arc<dyn Store> {
    Arc::new(Dynamo::open(settings).await.unwrap())
}

/// Starts a recorder: a function's, with nothing in memory.
pub async fn recorder(store: &Arc<dyn Store>, clock: &Arc<TestClock>) -> Recorder {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/tmp/policies-aws");
    let cache = policy::Cache::in_folder(folder, [7; 32]);
    let parts = Parts {
        store: Arc::clone(store),
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        entropy: Arc::new(SystemEntropy),
        alias_key: AliasKey([3; 32]),
        permit_key: PermitKey::new(&PERMIT_SEED),
        policies: Policies::new(policy::stock::engine().into(), Some(cache)).unwrap(),
        policy_keys: Vec::new(),
        sharing: Sharing::Shared,
    };
    Recorder::start(parts).await.unwrap()
}

async fn define(ingest: &Recorder, admin: &Caller) {
    let flow = DefineFlow {
        description: String::new(),
        flow: name("payments"),
        required: Vec::new(),
    };
    ingest.define_flow(admin, flow).await.unwrap();
    let environment = DefineEnvironment {
        description: String::new(),
        environment: name("production"),
    };
    ingest.define_environment(admin, environment).await.unwrap();
    for (control, form) in POLICIES {
        let source = policy::stock::seed(control, form).unwrap().source();
        let policy = ingest
            .publish_policy(admin, name(control), source)
            .await
            .unwrap();
        let bind = BindPolicy {
            advisory: false,
            from_ms: None,
            parameters: serde_json::Value::Null,
            policy,
            scope: Scope::Environment(name("production")),
        };
        ingest.bind_policy(admin, bind).await.unwrap();
    }
}

async fn key(
    recorder: &Recorder,
    admin: &Caller,
    person: Option<model::PersonId>,
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
    caller(recorder, &added.token)
}

/// Returns who has a token.
#[must_use]
pub fn caller(recorder: &Recorder, token: &str) -> Caller {
    Caller::authenticate(&recorder.definitions(), token, recorder.now_ms()).unwrap()
}
