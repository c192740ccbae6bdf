//! Catching up: how long the sealer takes, and what it asks of the services, when it is far behind.
//!
//! Beside DynamoDB Local and an S3 server, as `cargo xtask aws` starts them:
//! `cargo bench -p trailmark-store --bench seal --features aws,conformance -- 100000`.

#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use journal::Draft;
use journal::key::{LogKey, ReceiptKey};
use journal::receipt::ReceiptTerms;
use store::aws::{
    Address, Clients, Dynamo, Endpoints, PROMISE_WINDOW_MS, Promiser, Sealer, Settings,
    table_definition,
};
use store::conformance::{SEED, attestation, genesis, journal_id, stream};
use store::{Clock, Store, SystemClock};

/// Two links each, so that a batch has 99 items.
const PER_BATCH: u64 = 33;
const WRITERS: usize = 8;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let (Ok(dynamodb), Ok(s3)) = (
        std::env::var("TRAILMARK_TEST_DYNAMODB"),
        std::env::var("TRAILMARK_TEST_S3"),
    ) else {
        println!("left out: `TRAILMARK_TEST_DYNAMODB` and `TRAILMARK_TEST_S3` are not set");
        return Ok(());
    };
    let asked = std::env::args().find_map(|argument| argument.parse().ok());
    let entries: u64 = asked.unwrap_or(5_000);
    let endpoints = Endpoints {
        region: Some("eu-west-1".to_owned()),
        dynamodb: Some(dynamodb),
        s3: Some(s3),
    };
    let clients = Clients::load(&endpoints).await;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let settings = settings(&clients, &clock).await?;
    let (store, _) = Dynamo::create(&settings, genesis(&journal_id())).await?;
    let store = Arc::new(store);

    let started = Instant::now();
    let mut writers = tokio::task::JoinSet::new();
    for (writer, first) in (0..WRITERS).zip(0_u64..) {
        let store = Arc::clone(&store);
        writers.spawn(async move {
            for batch in (first..entries.div_ceil(PER_BATCH)).step_by(WRITERS) {
                store.append(drafts(writer, batch)).await?;
            }
            Ok::<_, Box<dyn Error + Send + Sync>>(())
        });
    }
    for written in writers.join_all().await {
        written?;
    }
    println!("appended in {:.1} s", started.elapsed().as_secs_f64());

    let signer = Arc::new(LogKey::new(&journal_id(), &SEED));
    let sealer = Sealer::new(&clients, &settings.address, &journal_id(), signer, clock);
    let _ = clients.meter().take();
    let started = Instant::now();
    loop {
        let step = Instant::now();
        let sealing = sealer.run().await?;
        println!(
            "sealed {} in {:.1} s, {} remain",
            sealing.sealed,
            step.elapsed().as_secs_f64(),
            sealing.remaining
        );
        if sealing.remaining == 0 {
            break;
        }
    }
    let (seconds, usage) = (started.elapsed().as_secs_f64(), clients.meter().take());
    let size = store.status().await?.size;
    let each = |units: f64| units / size as f64;
    println!(
        "{size} entries in {seconds:.1} s: {:.0} a second",
        size as f64 / seconds
    );
    println!(
        "each: {:.2} read units, {:.2} write units, {:.3} requests",
        each(usage.read_units),
        each(usage.write_units),
        each(usage.requests as f64)
    );
    let idle = Instant::now();
    sealer.run().await?;
    let usage = clients.meter().take();
    println!(
        "nothing new: {:.0} ms, {:.1} read units, {} requests",
        idle.elapsed().as_secs_f64() * 1_000.0,
        usage.read_units,
        usage.requests
    );
    Ok(())
}

fn drafts(writer: usize, batch: u64) -> Vec<Draft> {
    let numbers = batch * PER_BATCH..(batch + 1) * PER_BATCH;
    numbers
        .map(|number| Draft {
            payloads: Vec::new(),
            idempotency: None,
            ..attestation(
                number,
                &[stream(&format!("w{writer}")), stream(&format!("b{batch}"))],
            )
        })
        .collect()
}

async fn settings(
    clients: &Clients,
    clock: &Arc<dyn Clock>,
) -> Result<Settings, Box<dyn Error + Send + Sync>> {
    let name = format!("bench-{}", clock.wall_ms());
    let definition = table_definition(&name)?;
    let table = clients.dynamodb.create_table().table_name(&name);
    table
        .set_billing_mode(definition.billing_mode)
        .set_attribute_definitions(definition.attribute_definitions)
        .set_key_schema(definition.key_schema)
        .send()
        .await?;
    let here = CreateBucketConfiguration::builder()
        .location_constraint(BucketLocationConstraint::EuWest1)
        .build();
    let bucket = clients.s3.create_bucket().bucket(&name);
    bucket.create_bucket_configuration(here).send().await?;
    let address = Address {
        table: name.clone(),
        bucket: name,
        checkpoint_bucket: None,
    };
    let key = ReceiptKey::new(&[9; 32]);
    let terms = ReceiptTerms {
        key: key.public(),
        from_ms: clock.wall_ms(),
        until_ms: clock.wall_ms() + 3_600_000,
    };
    let voucher = LogKey::new(&journal_id(), &SEED).vouch_receipt(terms)?;
    Ok(Settings {
        promiser: Some(Arc::new(Promiser::new(key, voucher, PROMISE_WINDOW_MS))),
        ..Settings::new(address, clients.clone(), journal_id())
    })
}
