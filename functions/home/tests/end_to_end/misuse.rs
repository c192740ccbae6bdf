//! Bad input and misuse: each refused clearly, nothing written.

use serde_json::json;

use crate::event::{Call, Front, schedule, stream};
use crate::lambda::Instance;
use crate::world::{World, ask, make_table, unit_tested};

#[tokio::test(flavor = "multi_thread")]
async fn a_schedules_event_sent_to_ingest_is_refused() {
    let Some(world) = World::new().await else {
        return;
    };
    let before = world.items().await;
    let ingest = world.start("ingest").await;
    let takes = "`ingest` takes HTTP requests, of an HTTP API or a function URL (payload version 2.0), and got";
    for (event, found) in [
        (schedule(), "a schedule's event"),
        (
            stream(&world.address.table, &world.batches().await),
            "a table's stream",
        ),
        (json!({"kind": "trail"}), "an event of no known sort"),
        (
            json!({"httpMethod": "GET", "path": "/", "requestContext": {"stage": "prod"}}),
            "an event of no known sort",
        ),
    ] {
        let refused = ingest.invoke(&event).await.unwrap_err();
        assert_eq!(
            refused["errorMessage"],
            format!("{takes} {found}: nothing was done")
        );
        assert_eq!(refused["errorType"], "Trailmark.EventRefused");
    }
    assert_eq!(world.items().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn seal_takes_schedules_and_its_own_tables_stream_alone() {
    let Some(world) = World::new().await else {
        return;
    };
    let before = world.items().await;
    let seal = world.start("seal").await;
    let request = Call::get("/v1/flows").through(Front::Url);
    for (event, says) in [
        (request, "`seal` takes schedules and its table's stream, and got an HTTP request: nothing was done".to_owned()),
        (
            stream("orders", &world.batches().await),
            format!(
                "the stream is `arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2026-11-22T00:00:00.000`, \
                 which is not that of table `{}`: nothing was done",
                world.address.table
            ),
        ),
        (
            json!({"Records": [{"eventSource": "aws:sqs", "body": "{}"}]}),
            "`seal` takes schedules and its table's stream, and got records of `aws:sqs`: nothing was done".to_owned(),
        ),
    ] {
        let refused = seal.invoke(&event).await.unwrap_err();
        assert_eq!(refused["errorMessage"], says);
    }
    assert_eq!(world.items().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_this_function_cannot_compile_in_time_is_refused() {
    let Some(world) = World::new().await else {
        return;
    };
    let before = world.items().await;
    let publish = Call {
        method: "POST",
        headers: vec![("content-type", "application/wasm".to_owned())],
        body: unit_tested(),
        ..Call::get("/v1/policies?name=tested")
    };
    let publish = publish.by(&world.admin);
    let mut environment = world.environment("ingest");
    // A hundredth of a processor is thirty thousand bytes of code.
    environment.push(("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "10".to_owned()));
    let small = Instance::start("ingest", &environment).await;
    let refused = ask(&small, &publish, Front::Api).await;
    let problem = refused.problem();
    assert!(problem.starts_with("400 policy-refused: "), "{problem}");
    assert!(
        problem.ends_with("more than the 28264 that this recorder has the time to compile"),
        "{problem}"
    );
    assert!(
        refused.text.contains("IngestMemoryMb=3538"),
        "{}",
        refused.text
    );
    assert_eq!(world.items().await, before);
    ask(&world.start("ingest").await, &publish, Front::Api)
        .await
        .done();
}

/// Starts functions with one variable changed, and returns what they say.
async fn refused(world: &World, functions: &[&str], variable: &str, value: &str) -> Vec<String> {
    let mut reasons = Vec::new();
    for function in functions {
        let mut environment = world.environment(function);
        environment.retain(|(name, _)| *name != variable);
        let environment: Vec<(&str, String)> = environment
            .into_iter()
            .chain([(variable, value.to_owned())])
            .collect();
        reasons.push(Instance::refused(function, &environment).await);
    }
    reasons
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_table_bucket_or_region_is_named_with_the_call() {
    let Some(world) = World::new().await else {
        return;
    };
    let (journal, table) = (&world.journal, &world.address.table);
    for reason in refused(&world, &["query", "seal"], "TRAILMARK_TABLE", "nowhere").await {
        assert!(
            reason.starts_with(&format!(
                "could not open journal `{journal}` in table `nowhere`: "
            )),
            "{reason}"
        );
        assert!(
            reason.contains(" on `nowhere in eu-west-1` found no such thing in this region"),
            "{reason}"
        );
    }
    for reason in refused(&world, &["query", "seal"], "AWS_REGION", "us-east-1").await {
        assert!(
            reason.contains(&format!(
                "on `{table} in us-east-1` found no such thing in this region"
            )),
            "{reason}"
        );
    }
    for reason in refused(&world, &["query", "seal"], "TRAILMARK_BUCKET", "nowhere").await {
        assert!(reason.contains("`s3:GetObject` on `nowhere"), "{reason}");
        assert!(
            reason.contains("found no such thing in this region"),
            "{reason}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_another_application_is_none_of_ours() {
    use aws_sdk_dynamodb::types::{
        AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
    };
    let Some(world) = World::new().await else {
        return;
    };
    let other = format!("orders-{:x}", crate::lambda::rand());
    let create = world.clients.dynamodb.create_table().table_name(&other);
    let id = AttributeDefinition::builder()
        .attribute_name("id")
        .attribute_type(ScalarAttributeType::N);
    let key = KeySchemaElement::builder()
        .attribute_name("id")
        .key_type(KeyType::Hash);
    let create = create
        .billing_mode(BillingMode::PayPerRequest)
        .attribute_definitions(id.build().unwrap())
        .key_schema(key.build().unwrap());
    create.send().await.unwrap();
    for reason in refused(&world, &["query", "seal"], "TRAILMARK_TABLE", &other).await {
        assert!(
            reason.ends_with(": it is no store of this program"),
            "{reason}"
        );
    }
    let empty = format!("empty-{:x}", crate::lambda::rand());
    make_table(&world.clients, &empty).await;
    for reason in refused(&world, &["query", "seal"], "TRAILMARK_TABLE", &empty).await {
        assert!(reason.ends_with(": there is no journal in it"), "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_secret_is_named_with_the_call_and_a_wrong_key_with_what_was_expected() {
    let Some(world) = World::new().await else {
        return;
    };
    let reasons = refused(
        &world,
        &["decide"],
        "TRAILMARK_PERMIT_KEY",
        "secret:nowhere",
    )
    .await;
    assert_eq!(
        reasons[0],
        "could not read the permit key: `secret:nowhere` holds nothing yet"
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    std::fs::write(&file, "hunter2").unwrap();
    let source = format!("file:{}", file.display());
    let reasons = refused(&world, &["ingest"], "TRAILMARK_ALIAS_KEY", &source).await;
    assert_eq!(
        reasons[0],
        format!(
            "could not read the alias key: `{source}` holds no key: expected 64 hexadecimal digits"
        )
    );
    let missing = "file:/nowhere/receipt";
    let reasons = refused(&world, &["approve"], "TRAILMARK_RECEIPT_KEY", missing).await;
    assert_eq!(
        reasons[0],
        format!(
            "there is no receipt key yet: `seal` makes it as it first seals: `{missing}` holds nothing yet"
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_log_key_than_the_journals_is_refused_by_who_pins_and_who_signs() {
    let Some(world) = World::new().await else {
        return;
    };
    let other = journal::key::LogKey::new(&world.journal, &[9; 32]);
    let reasons = refused(
        &world,
        &["query"],
        "TRAILMARK_LOG_VKEY",
        &other.vkey().to_string(),
    )
    .await;
    assert!(
        reasons[0].ends_with(&format!(
            "its checkpoints are not signed by the key `{}`",
            other.vkey()
        )),
        "{reasons:?}"
    );

    let before = world.items().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("log");
    std::fs::write(&file, hex::encode([9; 32])).unwrap();
    let mut environment = world.environment("seal");
    environment.retain(|(name, _)| *name != "TRAILMARK_LOG_KEY");
    environment.push(("TRAILMARK_LOG_KEY", format!("file:{}", file.display())));
    let seal = Instance::start("seal", &environment).await;
    let refused = seal.invoke(&schedule()).await.unwrap_err();
    let message = refused["errorMessage"].as_str().unwrap();
    assert!(message.starts_with("could not seal: "), "{message}");
    assert!(
        message.contains(&world.vkey.to_string()) && message.contains(&other.vkey().to_string()),
        "{message}"
    );
    assert_eq!(world.items().await, before);
}
