//! A table and buckets of a test's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::config::SharedInterceptor;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use journal::key::{LogKey, ReceiptKey};
use journal::receipt::ReceiptTerms;
use model::JournalId;

use crate::Clock;
use crate::aws::faulty::Network;
use crate::aws::layout::Item;
use crate::aws::{
    Address, Clients, Endpoints, PROMISE_WINDOW_MS, Promiser, Settings, table_definition,
};
use crate::conformance::{SEED, TestClock};

/// Where the servers are.
#[derive(Debug, Clone)]
pub(super) struct Servers {
    pub(super) endpoints: Endpoints,
}

/// Finds the servers; says so and returns nothing where a test is to be left out.
pub(super) fn servers() -> Option<Servers> {
    let find = |name: &str| {
        let found = std::env::var(name).ok();
        if found.is_none() {
            assert!(
                std::env::var("TRAILMARK_TEST_AWS").as_deref() != Ok("required"),
                "`{name}` is not set"
            );
            println!("left out: `{name}` is not set");
        }
        found
    };
    Some(Servers {
        endpoints: Endpoints {
            region: Some("eu-west-1".to_owned()),
            dynamodb: Some(find("TRAILMARK_TEST_DYNAMODB")?),
            s3: Some(find("TRAILMARK_TEST_S3")?),
        },
    })
}

impl Servers {
    /// Makes clients; interceptors see their requests.
    pub(super) fn clients(&self, interceptors: &[SharedInterceptor]) -> Clients {
        self.clients_over(&Network::default(), interceptors)
    }

    /// Makes clients on a network that can fail.
    pub(super) fn clients_over(
        &self,
        network: &Network,
        interceptors: &[SharedInterceptor],
    ) -> Clients {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let http = network.before(http);
        let credentials = Credentials::new("test", "test", None, None, "tests");
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(http)
            .build();
        Clients::new(&sdk, &self.endpoints, interceptors)
    }
}

/// Returns a name that nobody else has.
pub(super) fn unique(what: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::SeqCst);
    format!(
        "{what}-{}-{count}-{}",
        std::process::id(),
        &crate::aws::send::new_token()[..8]
    )
}

/// A table and buckets, which are there.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) clients: Clients,
    pub(super) address: Address,
    pub(super) clock: Arc<TestClock>,
}

impl Place {
    pub(super) async fn new(clients: Clients) -> Self {
        let place = Self {
            clients,
            address: Address {
                table: unique("table"),
                bucket: unique("bucket"),
                checkpoint_bucket: Some(unique("outside")),
            },
            clock: Arc::default(),
        };
        place.make_table(&place.address.table).await;
        place.make_bucket(&place.address.bucket).await;
        place.make_bucket(place.address.checkpoint_bucket()).await;
        place
    }

    pub(super) async fn make_table(&self, name: &str) {
        let definition = table_definition(name).unwrap();
        self.clients
            .dynamodb
            .create_table()
            .set_table_name(definition.table_name)
            .set_billing_mode(definition.billing_mode)
            .set_attribute_definitions(definition.attribute_definitions)
            .set_key_schema(definition.key_schema)
            .send()
            .await
            .unwrap();
    }

    pub(super) async fn make_bucket(&self, name: &str) {
        use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
        let here = CreateBucketConfiguration::builder()
            .location_constraint(BucketLocationConstraint::EuWest1)
            .build();
        let bucket = self.clients.s3.create_bucket().bucket(name);
        bucket
            .create_bucket_configuration(here)
            .send()
            .await
            .unwrap();
    }

    /// Returns settings with which a journal here can be written.
    pub(super) fn settings(&self, journal: &JournalId) -> Settings {
        Settings {
            promiser: Some(Arc::new(promiser(journal, &*self.clock))),
            clock: Some(Arc::clone(&self.clock) as Arc<dyn Clock>),
            look_every_ms: 0,
            ..Settings::new(self.address.clone(), self.clients.clone(), journal.clone())
        }
    }

    /// Reads the checkpoint outside.
    pub(super) async fn outside(&self, journal: &JournalId) -> String {
        let bucket = self.address.checkpoint_bucket();
        let object = self
            .clients
            .s3
            .get_object()
            .bucket(bucket)
            .key(format!("{journal}/checkpoint"));
        let object = object.send().await.unwrap();
        let bytes = object.body.collect().await.unwrap().into_bytes();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    /// Writes the checkpoint outside, as another process could.
    pub(super) async fn set_outside(&self, journal: &JournalId, note: &str) {
        let bucket = self.address.checkpoint_bucket();
        let object = self
            .clients
            .s3
            .put_object()
            .bucket(bucket)
            .key(format!("{journal}/checkpoint"));
        object
            .body(note.as_bytes().to_vec().into())
            .send()
            .await
            .unwrap();
    }

    /// Returns all items of a table.
    pub(super) async fn items(&self, table: &str) -> Vec<Item> {
        let mut items = Vec::new();
        let mut next = None;
        loop {
            let scan = self
                .clients
                .dynamodb
                .scan()
                .table_name(table)
                .consistent_read(true);
            let page = scan.set_exclusive_start_key(next).send().await.unwrap();
            items.extend(page.items.unwrap_or_default());
            next = page.last_evaluated_key;
            if next.is_none() {
                return items;
            }
        }
    }

    pub(super) async fn put(&self, table: &str, item: Item) {
        let put = self.clients.dynamodb.put_item().table_name(table);
        put.set_item(Some(item)).send().await.unwrap();
    }
}

fn promiser(journal: &JournalId, clock: &dyn Clock) -> Promiser {
    let key = ReceiptKey::new(&[9; 32]);
    let terms = ReceiptTerms {
        key: key.public(),
        from_ms: clock.wall_ms() - 3_600_000,
        until_ms: clock.wall_ms() + 20 * 3_600_000,
    };
    let voucher = LogKey::new(journal, &SEED).vouch_receipt(terms).unwrap();
    Promiser::new(key, voucher, PROMISE_WINDOW_MS)
}
