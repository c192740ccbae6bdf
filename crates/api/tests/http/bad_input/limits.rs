use api::Limits;
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use super::JSON;
use crate::world::{World, attestation_event, fingerprint, trail_event};

#[tokio::test]
async fn every_limit_has_a_refusal_of_its_own() {
    let limits = Limits {
        body_bytes_max: 10_000,
        headers_bytes_max: 2_000,
        policy_bytes_max: 1_000,
        ..Limits::default()
    };
    let world = World::with(limits).await;
    let before = world.size().await;
    let many = |count: usize| {
        json!(
            (0..count)
                .map(|at| trail_event(&format!("run-{at}")))
                .collect::<Vec<_>>()
        )
    };
    let linked: Vec<Value> = (0..40)
        .map(|at| with_commit(&format!("run-{at}")))
        .collect();
    let admin = &world.admin;
    let huge = format!("Bearer {}", "x".repeat(3_000));
    let rego = [("content-type", "application/rego")];
    let lines = [
        (
            "a body",
            world
                .post_as(&world.reporter, "/v1/events", JSON, "x".repeat(10_001))
                .await,
        ),
        (
            "headers",
            world
                .send(
                    Request::get("/healthz")
                        .header("authorization", huge)
                        .body(Body::empty())
                        .unwrap(),
                )
                .await,
        ),
        (
            "events",
            world.post(&world.reporter, "/v1/events", &many(50)).await,
        ),
        (
            "a flood of events",
            world
                .post_as(
                    &world.reporter,
                    "/v1/events",
                    JSON,
                    format!("[{}1]", "1,".repeat(4_000)),
                )
                .await,
        ),
        (
            "entries and links",
            world
                .post(&world.reporter, "/v1/events", &json!(linked))
                .await,
        ),
        (
            "a policy",
            world
                .post_as(admin, "/v1/policies?name=big", &rego, "#".repeat(1_001))
                .await,
        ),
    ]
    .map(|(name, reply)| format!("{name} -> {}", reply.problem()));
    assert_eq!(world.size().await, before);
    insta::assert_snapshot!(lines.join("\n"), @r"
        a body -> 413 body-too-large: the body has more than `10000` bytes
        headers -> 431 headers-too-large: the headers have `3020` bytes, over the limit of 2000
        events -> 413 batch-size: a batch has 1 to 49 events, not `50`
        a flood of events -> 413 batch-size: a batch has 1 to 49 events, not `4001`
        entries and links -> 413 batch-too-large: the events make `160` entries and links, over the limit of 99; the first `24` would fit
        a policy -> 413 body-too-large: the body has more than `1000` bytes
        ");
    // Each is an entry with two links.
    assert_eq!(
        world
            .post(&world.reporter, "/v1/events", &many(33))
            .await
            .status,
        201
    );
}

fn with_commit(trail: &str) -> Value {
    json!({"kind": "trail", "flow": "payments", "trail": trail, "commit": "a".repeat(40)})
}

#[tokio::test]
async fn too_many_requests_at_once_are_refused_and_not_queued() {
    let mut world = World::new().await;
    let none = Limits {
        requests_max: 0,
        ..Limits::default()
    };
    world.router = api::all(api::AppState::new(world.recorder.clone(), none));
    let reply = world.get(&world.admin, "/v1/flows").await;
    insta::assert_snapshot!(reply.problem(), @"503 overloaded: `0` requests are in progress");
    assert_eq!(reply.header("retry-after"), "1");
    assert_eq!(world.get("", "/healthz").await.status, 200);
    assert_eq!(world.get("", "/metrics").await.status, 200);
}

#[tokio::test]
async fn a_full_disk_is_told_and_what_was_recorded_stays() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::on_disk(folder.path(), 4 * 1024 * 1024).await;
    world.artifact("one", &fingerprint('a')).await;
    let report = |number: u32| {
        let data =
            json!({"outcome": "passed", "data": {"number": number, "filling": "x".repeat(60_000)}});
        let mut event = attestation_event("one", &fingerprint('a'), &json!({"json": data}));
        event["type"] = json!("generic");
        event
    };
    let mut recorded = 0;
    let refused = loop {
        let reply = world
            .post(&world.reporter, "/v1/events", &report(recorded))
            .await;
        if reply.status != 201 {
            break reply;
        }
        recorded += 1;
    };
    insta::assert_snapshot!(refused.problem(), @"503 full: nothing was recorded: the store is full");
    let shown = format!("/v1/artifacts/{}", fingerprint('a'));
    let shown = world.get(&world.reporter, &shown).await.json();
    let entries = u32::try_from(shown["entries"].as_array().unwrap().len()).unwrap();
    assert_eq!(entries, recorded + 1);
}

#[tokio::test]
async fn an_answer_over_its_limit_is_refused_whole() {
    let limits = Limits {
        answer_bytes_max: Some(1_000),
        ..Limits::default()
    };
    let world = World::with(limits).await;
    let refused = world.get(&world.admin, "/v1/export").await;
    assert_eq!(refused.status, 413, "{}", refused.text());
    assert_eq!(refused.json()["type"], "/problems/answer-too-large");
    assert_eq!(world.get(&world.admin, "/v1/flows").await.status, 200);
}
