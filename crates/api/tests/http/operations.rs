use api::{AppState, Limits};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::log;
use crate::world::{World, trail_event};

#[tokio::test]
async fn health_metrics_and_the_document_need_no_key() {
    let world = World::new().await;
    world.event(&trail_event("one")).await;
    world.post(&world.reporter, "/v1/events", &json!({})).await;
    assert_eq!(
        world.get("", "/healthz").await.json(),
        json!({"status": "ok", "size": world.size().await})
    );
    assert_eq!(
        world.get("", "/openapi.json").await.json()["openapi"],
        "3.1.0"
    );
    let metrics = world.get("", "/metrics").await;
    for line in [
        r#"trailmark_requests_total{function="ingest",status="4xx"} 1"#,
        r#"trailmark_requests_total{function="operations",status="2xx"} 2"#,
        r#"trailmark_request_seconds_count{function="operations"} 2"#,
        "trailmark_log_entries 6",
        "trailmark_read_only 0",
    ] {
        assert!(
            metrics.text().lines().any(|found| found == line),
            "`{line}` is not in\n{}",
            metrics.text()
        );
    }
}

#[tokio::test]
async fn a_read_only_journal_says_so_and_records_nothing() {
    let world = World::read_only().await;
    let health = world.get("", "/healthz").await;
    insta::assert_snapshot!(format!("{} {}", health.status.as_u16(), health.text()), @r#"503 {"status":"read-only","size":5,"read_only":"the checkpoint outside it is used by another process"}"#);
    insta::assert_snapshot!(world.post(&world.reporter, "/v1/events", &trail_event("one")).await.problem(), @"503 read-only: nothing can be recorded until an admin has looked at it; `/healthz` says why");
    assert_eq!(world.get(&world.reporter, "/v1/flows").await.status, 200);
    let because = json!({"reason": "an old copy was put back"});
    assert_eq!(
        world
            .post(&world.reporter, "/v1/recovery", &because)
            .await
            .status,
        403
    );
    world.made(&world.admin, "/v1/recovery", &because).await;
    assert_eq!(
        world
            .post(&world.reporter, "/v1/events", &trail_event("one"))
            .await
            .status,
        201
    );
    insta::assert_snapshot!(world.post(&world.admin, "/v1/recovery", &because).await.problem(), @"400 not-read-only: could not recover the journal: there is nothing to recover from");
}

#[tokio::test]
async fn each_function_serves_alone_and_knows_only_its_own_paths() {
    let mut world = World::new().await;
    let state = AppState::new(world.recorder.clone(), Limits::default());
    type Function = fn(AppState) -> Router;
    let routers: [(&str, Function); 5] = [
        ("/v1/keys", api::ingest::router),
        ("/v1/trials", api::decide::router),
        ("/v1/approvals", api::approve::router),
        ("/v1/snapshots", api::snapshot::router),
        ("/v1/search", api::query::router),
    ];
    for (at, (_, router)) in routers.iter().enumerate() {
        world.router = router(state.clone());
        for (other, (path, _)) in routers.iter().enumerate() {
            let asked = Request::builder()
                .method(if *path == "/v1/search" { "GET" } else { "POST" })
                .uri(*path);
            let status = world.send(asked.body(Body::empty()).unwrap()).await.status;
            assert_eq!(status == 401, at == other, "{path}: {status}");
        }
    }
}

#[tokio::test]
async fn a_journal_without_solo_takes_two_people_to_bind_a_policy() {
    let world = World::without_solo().await;
    let person = async |name: &str| {
        let person = world
            .made(&world.admin, "/v1/people", &json!({"name": name}))
            .await["person"]
            .clone();
        let key = json!({"name": name, "roles": ["policy-author"], "person": person});
        world.token(&key).await
    };
    let (alice, bob) = (person("alice").await, person("bob").await);
    let rego = "package p\ndefault allow := false\nallow if false\nfindings contains {\"control\": \"c\", \"status\": \"failed\", \"reason\": \"r\", \"entries\": []}\n";
    let headers = [("content-type", "text/plain")];
    let policy = world
        .post_as(&alice, "/v1/policies?name=p", &headers, rego)
        .await
        .json()["policy"]
        .clone();
    let bind = json!({"policy": policy, "scope": "everything"});
    let entry = world.made(&alice, "/v1/bindings", &bind).await["entry"].clone();
    let confirmed = async || {
        world.get(&bob, "/v1/bindings").await.json()[0]
            .get("confirmed")
            .is_some()
    };
    assert!(!confirmed().await);
    insta::assert_snapshot!(world.post(&alice, "/v1/endorsements", &json!({"entry": entry})).await.problem(), @"400 invalid-request: who made it cannot endorse it: that takes a second person");
    world
        .made(&bob, "/v1/endorsements", &json!({"entry": entry}))
        .await;
    assert!(confirmed().await);
}

#[tokio::test]
async fn each_request_has_one_line_in_the_log_without_what_it_said_or_who_it_was() {
    let world = World::new().await;
    log::forget();
    let event = trail_event("very-private").to_string();
    let headers = [
        ("content-type", "application/json"),
        ("x-forwarded-for", "203.0.113.7"),
    ];
    let recorded = world
        .post_as(&world.reporter, "/v1/events?colour=red", &headers, event)
        .await;
    world.get("tm_wrong", "/v1/flows/very-private").await;
    world.faults.arm(store::memory::Fault::Lost);
    let failed = world
        .post(&world.reporter, "/v1/events", &trail_event("very-private"))
        .await;
    let lines = log::lines();
    let secret = world.reporter.rsplit('_').next().unwrap();
    for never in ["very-private", secret, "tm_", "203.0.113.7", "colour"] {
        assert!(
            !lines.iter().any(|line| line.contains(never)),
            "`{never}` is in {lines:#?}"
        );
    }
    let completed: Vec<_> = lines.iter().filter(|line| line.contains("INFO")).collect();
    assert_eq!(completed.len(), 3, "{lines:#?}");
    let entry = recorded.json()["entry"].as_str().unwrap().to_owned();
    for part in [
        "function=\"ingest\"",
        "method=\"POST\"",
        "path=\"/v1/events\"",
        "status=201",
        "key=\"key-",
        &entry,
        recorded.header("x-request-id"),
    ] {
        assert!(
            completed[0].contains(part),
            "`{part}` is not in {}",
            completed[0]
        );
    }
    assert!(
        completed[1].contains("class=\"unauthenticated\"")
            && completed[1].contains("path=\"/v1/flows/{flow}\"")
    );
    let cause = lines.iter().find(|line| line.contains("ERROR")).unwrap();
    assert!(
        cause.contains(failed.header("x-request-id")) && cause.contains("the write is lost"),
        "{cause}"
    );
}
