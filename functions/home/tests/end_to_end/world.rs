//! A journal on DynamoDB Local and moto, made some minutes ago, and functions that run on it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt as _;
use journal::key::{LogKey, PermitKey, PublicKey, Seed};
use journal::note::Vkey;
use model::JournalId;
use recorder::{AliasKey, Charter, Parts, Policies, Recorder, Sharing, SystemEntropy, genesis};
use serde_json::{Value, json};
use store::aws::keys::{KeySource, Keys, ReceiptKeys};
use store::aws::{Address, Clients, Dynamo, Endpoints, Settings, table_definition};
use store::{Clock, SystemClock};
use tower::ServiceExt as _;

use crate::event::{Call, Front};
use crate::lambda::{Instance, rand};

/// What is defined counts for decisions a minute later: so it was defined before.
const AGO_MS: u64 = 10 * 60 * 1000;
const PROMISE_MS: u64 = 600_000;
pub const REGION: &str = "eu-west-1";

/// Where the servers are.
#[derive(Clone)]
pub struct Servers {
    pub dynamodb: String,
    pub s3: String,
}

/// A journal, and what its functions are told.
pub struct World {
    pub servers: Servers,
    pub clients: Clients,
    pub address: Address,
    pub journal: JournalId,
    pub vkey: Vkey,
    pub permit_key: PublicKey,
    pub admin: String,
    pub reporter: String,
    sources: Vec<(&'static str, KeySource)>,
    earlier: Router,
}

/// What a function answered.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Value,
    pub text: String,
    pub is_base64: bool,
}

impl Servers {
    /// Finds the servers; says so and returns nothing where a test is to be left out.
    pub fn find() -> Option<Self> {
        let find = |name: &str| {
            let found = std::env::var(name).ok();
            if found.is_none() {
                let required = std::env::var("TRAILMARK_TEST_AWS").as_deref() == Ok("required");
                assert!(!required, "`{name}` is not set");
                println!("left out: `{name}` is not set; `cargo xtask test` sets it");
            }
            found
        };
        Some(Self {
            dynamodb: find("TRAILMARK_TEST_DYNAMODB")?,
            s3: find("TRAILMARK_TEST_S3")?,
        })
    }

    pub fn endpoints(&self) -> Endpoints {
        Endpoints {
            region: Some(REGION.to_owned()),
            dynamodb: Some(self.dynamodb.clone()),
            s3: Some(self.s3.clone()),
        }
    }
}

impl World {
    /// A journal with a flow `web`, an environment `production` in which `unit-tested` is in force, and a pipeline's key.
    pub async fn new() -> Option<Self> {
        let servers = Servers::find()?;
        let clients = Clients::load(&servers.endpoints()).await;
        let unique = format!("{:016x}", rand());
        let address = Address {
            table: format!("journals-{unique}"),
            bucket: format!("journals-{unique}"),
            checkpoint_bucket: None,
        };
        make_table(&clients, &address.table).await;
        make_bucket(&clients, &address.bucket).await;

        let journal: JournalId = format!("trailmark/acme-{unique}").parse().unwrap();
        let seeds = Seeds::new();
        let log = LogKey::new(&journal, &seeds.log);
        let keys = Keys::new(&clients, &servers.endpoints());
        let sources = seeds.keep(&clients, &servers, &keys, &unique).await;
        let clock: Arc<dyn Clock> = Arc::new(Earlier(SystemClock::start()));
        let receipts = ReceiptKeys::new(keys, sources[0].1.clone());
        receipts.renew(&log, clock.wall_ms()).await.unwrap();
        let settings = Settings {
            promiser: Some(Arc::new(receipts.load(PROMISE_MS).await.unwrap())),
            clock: Some(clock.clone()),
            ..Settings::new(address.clone(), clients.clone(), journal.clone())
        };
        let permit = PermitKey::new(&seeds.permit);
        let permit_key = permit.public();
        let charter = Charter {
            name: "Acme".to_owned(),
            people_by_key: true,
            solo: true,
        };
        let draft = genesis(&charter, &log, &permit).unwrap();
        let (store, _) = Dynamo::create(&settings, draft).await.unwrap();
        let parts = Parts {
            store: Arc::new(store),
            clock,
            entropy: Arc::new(SystemEntropy),
            alias_key: AliasKey(seeds.alias),
            permit_key: permit,
            policies: Policies::new(policy::stock::engine().into(), None).unwrap(),
            policy_keys: Vec::new(),
            sharing: Sharing::Shared,
        };
        let recorder = Arc::new(Recorder::start(parts).await.unwrap());
        let admin = recorder.add_first_key().await.unwrap().unwrap().token;
        let state = api::AppState::new(recorder, api::Limits::default());
        let mut world = Self {
            servers,
            clients,
            address,
            journal,
            vkey: log.vkey().clone(),
            permit_key,
            admin,
            reporter: String::new(),
            sources,
            earlier: api::all(state),
        };
        world.define().await;
        Some(world)
    }

    async fn define(&mut self) {
        self.before("/v1/flows", &json!({"flow": "web"})).await;
        self.before("/v1/environments", &json!({"environment": "production"}))
            .await;
        let key = json!({"name": "ci", "roles": ["reporter", "snapshotter"], "grants": [{"flow": "web"}]});
        self.reporter = self.before("/v1/keys", &key).await["token"]
            .as_str()
            .unwrap()
            .to_owned();
        let request = Request::post("/v1/policies?name=unit-tested")
            .header("content-type", "application/wasm")
            .body(Body::from(unit_tested()));
        let policy = self.ask_before(request.unwrap()).await["policy"].clone();
        let bind = json!({"policy": policy, "scope": {"environment": "production"}});
        self.before("/v1/bindings", &bind).await;
    }

    /// Asks the admin's things of the past.
    pub async fn before(&self, path: &str, body: &Value) -> Value {
        let request = Request::post(path).header("content-type", "application/json");
        self.ask_before(request.body(Body::from(body.to_string())).unwrap())
            .await
    }

    async fn ask_before(&self, mut request: Request<Body>) -> Value {
        let token = format!("Bearer {}", self.admin).parse().unwrap();
        request.headers_mut().insert("authorization", token);
        let path = request.uri().to_string();
        let response = self.earlier.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        assert!(
            status.is_success(),
            "{path}: {status} {}",
            String::from_utf8_lossy(&bytes)
        );
        serde_json::from_slice(&bytes).unwrap()
    }

    /// What a function is told, as the template tells it.
    pub fn environment(&self, function: &str) -> Vec<(&'static str, String)> {
        let read = home::VARIABLES
            .iter()
            .filter(|variable| match variable.users {
                home::Users::All | home::Users::Tests => true,
                home::Users::Only(functions) => functions.contains(&function),
            });
        let read: Vec<_> = read.map(|variable| variable.name).collect();
        let told = [
            ("TRAILMARK_TABLE", self.address.table.clone()),
            ("TRAILMARK_BUCKET", self.address.bucket.clone()),
            ("TRAILMARK_JOURNAL", self.journal.to_string()),
            ("TRAILMARK_LOG_VKEY", self.vkey.to_string()),
            ("TRAILMARK_DYNAMODB_ENDPOINT", self.servers.dynamodb.clone()),
            ("TRAILMARK_S3_ENDPOINT", self.servers.s3.clone()),
        ];
        let keys = self
            .sources
            .iter()
            .map(|(name, source)| (*name, source.to_string()));
        let told = told
            .into_iter()
            .chain(keys)
            .filter(|(name, _)| read.contains(name));
        told.chain(account()).collect()
    }

    /// Starts an instance of a function.
    pub async fn start(&self, function: &str) -> Instance {
        Instance::start(function, &self.environment(function)).await
    }

    /// Has a new instance answer one request: nothing is warm.
    pub async fn cold(&self, function: &str, call: Call<'_>, front: Front) -> Reply {
        let instance = self.start(function).await;
        let reply = ask(&instance, &call, front).await;
        if reply.status >= 500 {
            println!("{}", instance.end().errors);
        }
        reply
    }

    /// Returns the keys of all items of a partition or, of the sealer's queue, of all batches, in their order.
    pub async fn keys(&self, is_wanted: impl Fn(&str) -> bool) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let pages = self.clients.dynamodb.scan().table_name(&self.address.table);
        let mut pages = pages
            .projection_expression("pk, sk")
            .into_paginator()
            .items()
            .send();
        while let Some(item) = pages.next().await {
            let item = item.unwrap();
            let text = |name: &str| item[name].as_s().unwrap().clone();
            if is_wanted(&text("pk")) {
                found.push((text("pk"), text("sk")));
            }
        }
        found.sort_by(|one, other| one.1.cmp(&other.1));
        found
    }

    /// Returns the keys of the appends that wait for the sealer, or did, oldest first.
    pub async fn batches(&self) -> Vec<(String, String)> {
        let prefix = format!("{}#q#", self.journal);
        self.keys(|pk| pk.starts_with(&prefix)).await
    }

    /// Counts the table's items: so many were written.
    pub async fn items(&self) -> usize {
        self.keys(|_| true).await.len()
    }
}

/// Sends a request to an instance.
pub async fn ask(instance: &Instance, call: &Call<'_>, front: Front) -> Reply {
    let answer = instance.invoke(&call.through(front)).await;
    let answer = answer.unwrap_or_else(|error| panic!("{}: {error}", call.path));
    Reply {
        status: u16::try_from(answer["statusCode"].as_u64().unwrap()).unwrap(),
        headers: answer["headers"].clone(),
        text: answer["body"].as_str().unwrap_or_default().to_owned(),
        is_base64: answer["isBase64Encoded"].as_bool().unwrap(),
    }
}

impl Reply {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// Returns what must have succeeded.
    pub fn done(self) -> Value {
        assert!((200..300).contains(&self.status), "{self:?}");
        self.json()
    }

    /// Returns a problem in one line.
    pub fn problem(&self) -> String {
        let problem = self.json();
        let kind = problem["type"].as_str().unwrap_or_default();
        let kind = kind.trim_start_matches("/problems/");
        format!(
            "{} {kind}: {}",
            self.status,
            problem["detail"].as_str().unwrap_or_default()
        )
    }
}

/// The stock policy, compiled by whoever publishes it.
pub fn unit_tested() -> Vec<u8> {
    let seed = policy::stock::seed("unit-tested", policy::PolicyForm::Component).unwrap();
    seed.source().bytes().to_vec()
}

/// Credentials and a region, as Lambda gives them.
pub fn account() -> [(&'static str, String); 3] {
    [
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
        ("AWS_REGION", REGION.to_owned()),
    ]
}

struct Seeds {
    log: Seed,
    permit: Seed,
    alias: Seed,
    cache: Seed,
}

impl Seeds {
    fn new() -> Self {
        let seed = || std::array::from_fn(|_| rand().to_be_bytes()[0]);
        Self {
            log: seed(),
            permit: seed(),
            alias: seed(),
            cache: seed(),
        }
    }

    /// Puts each into a secret, and an empty one beside them for the receipt key, which is the first.
    async fn keep(
        &self,
        clients: &Clients,
        servers: &Servers,
        keys: &Keys,
        unique: &str,
    ) -> Vec<(&'static str, KeySource)> {
        let config = aws_sdk_secretsmanager::config::Builder::from(&clients.sdk);
        let config = config.endpoint_url(&servers.s3).build();
        let secrets = aws_sdk_secretsmanager::Client::from_conf(config);
        let mut kept = Vec::new();
        for (variable, seed) in [
            ("TRAILMARK_RECEIPT_KEY", None),
            ("TRAILMARK_LOG_KEY", Some(self.log)),
            ("TRAILMARK_PERMIT_KEY", Some(self.permit)),
            ("TRAILMARK_ALIAS_KEY", Some(self.alias)),
            ("TRAILMARK_CACHE_KEY", Some(self.cache)),
        ] {
            let made = secrets
                .create_secret()
                .name(format!("{variable}-{unique}"))
                .send()
                .await;
            let source = KeySource::Secret(made.unwrap().arn.unwrap());
            if let Some(seed) = seed {
                keys.write(&source, hex::encode(seed)).await.unwrap();
            }
            kept.push((variable, source));
        }
        kept
    }
}

pub async fn make_table(clients: &Clients, name: &str) {
    let definition = table_definition(name).unwrap();
    let create = clients
        .dynamodb
        .create_table()
        .set_table_name(definition.table_name);
    let create = create
        .set_billing_mode(definition.billing_mode)
        .set_attribute_definitions(definition.attribute_definitions)
        .set_key_schema(definition.key_schema);
    create.send().await.unwrap();
}

async fn make_bucket(clients: &Clients, name: &str) {
    use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
    let here = CreateBucketConfiguration::builder()
        .location_constraint(BucketLocationConstraint::EuWest1)
        .build();
    let create = clients.s3.create_bucket().bucket(name);
    create
        .create_bucket_configuration(here)
        .send()
        .await
        .unwrap();
}

/// The clock of some minutes ago.
struct Earlier(SystemClock);

impl Clock for Earlier {
    fn wall_ms(&self) -> u64 {
        self.0.wall_ms() - AGO_MS
    }

    fn elapsed_ms(&self) -> u64 {
        self.0.elapsed_ms()
    }
}
