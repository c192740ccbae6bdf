use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::world::{World, fingerprint};

#[tokio::test]
async fn what_was_recorded_is_found_again() {
    let world = World::new().await;
    world.artifact("one", &fingerprint('a')).await;
    world.artifact("two", &fingerprint('b')).await;
    let get = async |path: &str| world.get(&world.reporter, path).await.json();
    assert_eq!(get("/v1/flows").await[0]["flow"], "payments");
    assert_eq!(get("/v1/flows/payments").await["required"], json!([]));
    assert_eq!(
        get("/v1/flows/payments/trails?limit=1").await[0]["trail"],
        "two"
    );
    assert_eq!(
        get("/v1/flows/payments/trails/one").await["state"],
        "compliant"
    );
    assert_eq!(
        get("/v1/artifacts").await,
        json!([fingerprint('a'), fingerprint('b')])
    );
    assert_eq!(
        get(&format!("/v1/artifacts?after={}&limit=1", fingerprint('a'))).await,
        json!([fingerprint('b')])
    );
    assert_eq!(
        get(&format!("/v1/artifacts/{}", fingerprint('a'))).await["recorded_in"][0]["trail"],
        "one"
    );
    assert_eq!(
        get("/v1/search?q=aaaa").await["commits"][0]["artifacts"],
        json!([fingerprint('a'), fingerprint('b')])
    );
    assert_eq!(get("/v1/keys").await.as_array().unwrap().len(), 2);
    assert_eq!(get("/v1/people").await, json!([]));
    assert_eq!(
        get("/v1/environments").await[0]["environment"],
        "production"
    );
}

#[tokio::test]
async fn an_environment_is_shown_now_and_at_a_time() {
    let world = World::new().await;
    world.artifact("one", &fingerprint('a')).await;
    world.event(&json!({"kind": "deployment", "flow": "payments", "environment": "production", "fingerprint": fingerprint('a'), "name": "x"})).await;
    let snapshot = json!({"environment": "production", "artifacts": [{"fingerprint": fingerprint('a'), "name": "/srv/x"}]});
    let first = world
        .made(&world.reporter, "/v1/snapshots", &snapshot)
        .await;
    assert_eq!(
        first["sightings"],
        json!([{"change": "started", "fingerprint": fingerprint('a')}])
    );
    world.clock.advance(60_000);
    let second = world
        .made(&world.reporter, "/v1/snapshots", &snapshot)
        .await;
    assert_eq!(
        (&second["same_as"], &second["sightings"]),
        (&first["entry"], &json!([]))
    );
    world.clock.advance(60_000);
    world
        .made(
            &world.reporter,
            "/v1/snapshots",
            &json!({"environment": "production", "artifacts": []}),
        )
        .await;
    let get = async |path: &str| world.get(&world.reporter, path).await.json();
    assert_eq!(
        get("/v1/environments/production").await["running"],
        json!([])
    );
    let then = get("/v1/environments/production?at=2026-11-19T02:31:30Z").await;
    assert_eq!(
        (&then["running"][0]["fingerprint"], &then["at"]),
        (&json!(fingerprint('a')), &json!("2026-11-19T02:31:30Z"))
    );
    let diff = get("/v1/environments/production/diff?from=2026-11-19T02:31:30Z").await;
    assert_eq!(diff["stopped"], json!([fingerprint('a')]));
    assert_eq!(
        get("/v1/environments/production/deployments")
            .await
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn the_log_is_read_as_tiles_and_receipts_verify() {
    let world = World::new().await;
    world.artifact("one", &fingerprint('a')).await;
    let size = world.size().await;
    let checkpoint = world.get(&world.reporter, "/checkpoint").await;
    assert!(
        checkpoint
            .text()
            .starts_with(&format!("trailmark/test\n{size}\n")),
        "{}",
        checkpoint.text()
    );
    let hashes = world
        .get(&world.reporter, &format!("/tile/0/000.p/{size}"))
        .await;
    let bundle = world
        .get(&world.reporter, &format!("/tile/entries/000.p/{size}"))
        .await;
    assert!(bundle.header("cache-control").contains("immutable"));
    let width = u16::try_from(size).unwrap();
    let hashes = journal::tile::read_hashes(&hashes.bytes, width).unwrap();
    let entries = journal::tile::read_entries(&bundle.bytes, width).unwrap();
    for (header, hash) in entries.iter().zip(&hashes) {
        let entry = model::Entry::hash_of(header);
        assert_eq!(entry.as_bytes(), &hash.0);
        let receipt = world
            .get(&world.reporter, &format!("/v1/entries/{entry}/receipt"))
            .await
            .json();
        let receipt: journal::Receipt = serde_json::from_value(receipt).unwrap();
        let log = journal::key::LogKey::new(&"trailmark/test".parse().unwrap(), &[1; 32]);
        receipt.verify(&entry, log.vkey()).unwrap();
    }
    let missing = world
        .get(
            &world.reporter,
            &format!("/tile/entries/000.p/{}", size + 1),
        )
        .await;
    assert_eq!(missing.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_a_bundle_and_one_of_nothing_a_problem() {
    let world = World::new().await;
    world.artifact("one", &fingerprint('a')).await;
    for path in [
        "/v1/export".to_owned(),
        format!("/v1/export?artifact={}", fingerprint('a')),
    ] {
        let reply = world.get(&world.admin, &path).await;
        assert_eq!(
            (reply.status.as_u16(), reply.header("content-type")),
            (200, "text/plain; charset=utf-8"),
            "{}",
            reply.text()
        );
        let verified =
            journal::verify::verify(reply.bytes.as_ref(), &journal::verify::Pin::default());
        assert!(verified.is_ok(), "{path}: {verified:?}");
    }
    let unknown = world
        .get(
            &world.admin,
            &format!("/v1/export?artifact={}", fingerprint('b')),
        )
        .await;
    assert_eq!(
        unknown.problem(),
        format!(
            "404 not-found: artifact `{}` does not exist",
            fingerprint('b')
        )
    );
}

#[tokio::test]
async fn a_head_request_has_no_body() {
    let world = World::new().await;
    let request =
        Request::head("/v1/flows").header("authorization", format!("Bearer {}", world.reporter));
    let reply = world.router.clone();
    let reply = tower::ServiceExt::oneshot(reply, request.body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(reply.status(), 200);
}
