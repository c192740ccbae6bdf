//! A table and buckets of one's own, in the servers that `cargo xtask` starts.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use store::aws::client::SharedInterceptor;
use store::aws::faulty::Network;
use store::aws::{Address, Clients, Endpoints, table_definition};

use super::bill::Bill;

/// An item as the table has it.
pub type Item = HashMap<String, AttributeValue>;

/// Finds the servers; says so and returns nothing where what needs them is to be left out.
///
/// # Panics
/// When they are required and not there.
#[must_use]
pub fn servers() -> Option<Endpoints> {
    let find = |name: &str| {
        let found = std::env::var(name).ok();
        let required = std::env::var("TRAILMARK_TEST_AWS").as_deref() == Ok("required");
        assert!(found.is_some() || !required, "`{name}` is not set");
        found
    };
    Some(Endpoints {
        region: Some("eu-west-1".to_owned()),
        dynamodb: Some(find("TRAILMARK_TEST_DYNAMODB")?),
        s3: Some(find("TRAILMARK_TEST_S3")?),
    })
}

/// A table and two buckets, which are there.
#[derive(Clone)]
pub struct Place {
    /// Reach them; their meter counts.
    pub clients: Clients,
    /// Counts what the meter does not: requests by what they cost.
    pub bill: Bill,
    /// Where they are.
    pub address: Address,
    /// Where the servers are.
    pub endpoints: Endpoints,
}

impl Place {
    /// Makes them.
    pub async fn new(endpoints: &Endpoints) -> Self {
        let bill = Bill::default();
        let place = Self {
            clients: clients(endpoints, &bill, None).await,
            bill,
            address: Address {
                table: unique("table"),
                bucket: unique("bucket"),
                checkpoint_bucket: Some(unique("outside")),
            },
            endpoints: endpoints.clone(),
        };
        place.make_table(&place.address.table).await;
        place.make_bucket(&place.address.bucket).await;
        place.make_bucket(place.address.checkpoint_bucket()).await;
        place
    }

    /// Returns the same place as another process reaches it, over a network of its own if there is one.
    pub async fn reached_anew(&self, network: Option<&Network>) -> Self {
        let bill = Bill::default();
        Self {
            clients: clients(&self.endpoints, &bill, network).await,
            bill,
            ..self.clone()
        }
    }

    /// Makes a table.
    pub async fn make_table(&self, name: &str) {
        let definition = table_definition(name).unwrap();
        let create = self.clients.dynamodb.create_table();
        create
            .set_table_name(definition.table_name)
            .set_billing_mode(definition.billing_mode)
            .set_attribute_definitions(definition.attribute_definitions)
            .set_key_schema(definition.key_schema)
            .send()
            .await
            .unwrap();
    }

    async fn make_bucket(&self, name: &str) {
        let here = CreateBucketConfiguration::builder()
            .location_constraint(BucketLocationConstraint::EuWest1)
            .build();
        let create = self.clients.s3.create_bucket().bucket(name);
        create
            .create_bucket_configuration(here)
            .send()
            .await
            .unwrap();
    }

    /// Returns all items of the table.
    pub async fn items(&self) -> Vec<Item> {
        let mut items = Vec::new();
        let mut next = None;
        loop {
            let scan = self.clients.dynamodb.scan().table_name(&self.address.table);
            let scan = scan.consistent_read(true).set_exclusive_start_key(next);
            let page = scan.send().await.unwrap();
            items.extend(page.items.unwrap_or_default());
            next = page.last_evaluated_key;
            if next.is_none() {
                return items;
            }
        }
    }

    /// Makes another table of items, as a restore to an earlier time does, and returns its name.
    pub async fn restored(&self, items: &[Item]) -> String {
        let name = unique("restored");
        self.make_table(&name).await;
        for item in items {
            let put = self.clients.dynamodb.put_item().table_name(&name);
            put.set_item(Some(item.clone())).send().await.unwrap();
        }
        name
    }

    /// Returns the keys and sizes of all objects of the main bucket.
    pub async fn objects(&self) -> Vec<(String, u64)> {
        let mut objects = Vec::new();
        let mut next = None;
        loop {
            let list = self
                .clients
                .s3
                .list_objects_v2()
                .bucket(&self.address.bucket);
            let page = list.set_continuation_token(next).send().await.unwrap();
            objects.extend(page.contents().iter().map(|object| {
                let size = u64::try_from(object.size().unwrap()).unwrap();
                (object.key().unwrap().to_owned(), size)
            }));
            next = page.next_continuation_token;
            if next.is_none() {
                return objects;
            }
        }
    }
}

async fn clients(endpoints: &Endpoints, bill: &Bill, network: Option<&Network>) -> Clients {
    let sdk = Clients::load(endpoints).await.sdk;
    let sdk = match (network, sdk.http_client()) {
        (Some(network), Some(client)) => {
            let client = network.before(client);
            sdk.into_builder().http_client(client).build()
        }
        _ => sdk,
    };
    let counts = SharedInterceptor::new(bill.clone());
    Clients::new(&sdk, endpoints, &[counts])
}

/// Returns a name that nobody else has.
#[must_use]
pub fn unique(what: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::SeqCst);
    let random = RandomState::new().hash_one(0_u8);
    format!("{what}-{}-{count}-{random:016x}", std::process::id())
}
