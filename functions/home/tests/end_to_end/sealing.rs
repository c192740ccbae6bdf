//! Sealing by schedule and by stream.

use std::time::Duration;

use serde_json::{Value, json};

use crate::event::{Call, Front, schedule, stream};
use crate::lambda::Instance;
use crate::world::{World, ask};

/// Too little for a step of the sealer.
const HURRY: Duration = Duration::from_secs(5);

async fn record(world: &World, ingest: &Instance, trail: &str) {
    let trail = json!({"kind": "trail", "flow": "web", "trail": trail});
    let call = Call::post("/v1/events", &trail).by(&world.reporter);
    ask(ingest, &call, Front::Api).await.done();
}

async fn size(world: &World, query: &Instance) -> u64 {
    let health = ask(query, &Call::get("/healthz"), Front::Api).await.done();
    assert_eq!(health["status"], "ok", "{} {health}", world.journal);
    health["size"].as_u64().unwrap()
}

fn failures(answer: &Value) -> Vec<&str> {
    let failures = answer["batchItemFailures"].as_array().unwrap();
    failures
        .iter()
        .map(|failure| failure["itemIdentifier"].as_str().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_asked_again_for_exactly_what_is_not_sealed() {
    let Some(world) = World::new().await else {
        return;
    };
    let (seal, ingest) = tokio::join!(world.start("seal"), world.start("ingest"));
    seal.invoke(&schedule()).await.unwrap();
    let sealed = world.batches().await;
    record(&world, &ingest, "run-1").await;
    record(&world, &ingest, "run-2").await;
    let all = world.batches().await;
    assert_eq!(all.len(), sealed.len() + 2);

    // Time is short: the records that were sealed before are done with, the others come again.
    let event = stream(&world.address.table, &all);
    let answer = seal.invoke_within(&event, HURRY).await.unwrap();
    let expected: Vec<_> = (sealed.len()..all.len())
        .map(|at| (100 + at).to_string())
        .collect();
    assert_eq!(failures(&answer), expected);
    // They do, and there is time.
    let again = stream(&world.address.table, &all[sealed.len()..]);
    let answer = seal.invoke(&again).await.unwrap();
    assert_eq!(failures(&answer), [""; 0]);
    // And once more, as streams may: nothing is left to do.
    let before = world.items().await;
    let answer = seal.invoke(&event).await.unwrap();
    assert_eq!(failures(&answer), [""; 0]);
    assert_eq!(world.items().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn appends_to_other_journals_of_the_table_are_none_of_ours() {
    let Some(world) = World::new().await else {
        return;
    };
    let seal = world.start("seal").await;
    let sk = format!("00001795055400#{}", "ab".repeat(32));
    let others = [("trailmark/other#q#0#20776".to_owned(), sk)];
    let answer = seal
        .invoke_within(&stream(&world.address.table, &others), HURRY)
        .await
        .unwrap();
    assert_eq!(failures(&answer), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sealers_at_once_make_one_log() {
    let Some(world) = World::new().await else {
        return;
    };
    let (one, two, ingest, query) = tokio::join!(
        world.start("seal"),
        world.start("seal"),
        world.start("ingest"),
        world.start("query"),
    );
    let event = schedule();
    let (first, second) = tokio::join!(one.invoke(&event), two.invoke(&event));
    assert_eq!((first, second), (Ok(Value::Null), Ok(Value::Null)));
    let before = size(&world, &query).await;
    for at in 0..5 {
        record(&world, &ingest, &format!("run-{at}")).await;
        let (first, second) = tokio::join!(one.invoke(&event), two.invoke(&event));
        assert!(first.is_ok() && second.is_ok(), "{first:?} {second:?}");
    }
    assert_eq!(size(&world, &query).await, before + 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_behind_is_measured() {
    let Some(world) = World::new().await else {
        return;
    };
    let seal = world.start("seal").await;
    seal.invoke(&schedule()).await.unwrap();
    let log = seal.end();
    let line: Value = serde_json::from_str(log.output.lines().next().unwrap()).unwrap();
    let metrics = &line["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(
        (&metrics["Namespace"], &metrics["Dimensions"]),
        (&json!("Trailmark"), &json!([["Journal"]]))
    );
    assert_eq!(line["Journal"], json!(world.journal));
    assert_eq!(line["SealLagEntries"], 0);
    // The journal is ten minutes old, and so are its promises.
    assert!(
        line["MissedPromises"].as_u64().is_some() && line["UnsealedAgeSeconds"] == 0,
        "{line}"
    );
}
