use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use super::JSON;
use crate::world::World;

#[tokio::test]
async fn unknown_paths_methods_and_media_types_are_problems() {
    let world = World::new().await;
    let admin = &world.admin;
    let flow = json!({"flow": "x"}).to_string();
    let gzip = [
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
    ];
    let bearer = format!("Bearer {admin}");
    let accepting = |path: &str, accept: &str| {
        let request = Request::get(path)
            .header("authorization", &bearer)
            .header("accept", accept);
        world.send(request.body(Body::empty()).unwrap())
    };
    let deleted = Request::delete("/v1/flows").body(Body::empty()).unwrap();
    let deleted = world.send(deleted).await;
    assert_eq!(
        deleted
            .header("allow")
            .split(',')
            .map(str::trim)
            .filter(|method| ["GET", "POST"].contains(method))
            .count(),
        2
    );
    let lines = [
        ("no path", world.get(admin, "/v1/nothing").await),
        ("root", world.get("", "/").await),
        ("a method", deleted),
        (
            "no media type",
            world.post_as(admin, "/v1/flows", &[], flow.clone()).await,
        ),
        (
            "a form",
            world
                .post_as(
                    admin,
                    "/v1/flows",
                    &[("content-type", "application/x-www-form-urlencoded")],
                    flow.clone(),
                )
                .await,
        ),
        (
            "another charset",
            world
                .post_as(
                    admin,
                    "/v1/flows",
                    &[("content-type", "application/json; charset=utf-16")],
                    flow.clone(),
                )
                .await,
        ),
        (
            "XML events",
            world
                .post_as(
                    &world.reporter,
                    "/v1/events",
                    &[("content-type", "text/xml")],
                    "<x/>",
                )
                .await,
        ),
        (
            "a JSON policy",
            world
                .post_as(admin, "/v1/policies?name=p", JSON, "{}")
                .await,
        ),
        (
            "gzip",
            world.post_as(admin, "/v1/flows", &gzip, flow.clone()).await,
        ),
        (
            "only HTML",
            accepting("/v1/flows", "text/html, application/json;q=0").await,
        ),
        (
            "JSON for a tile",
            accepting("/checkpoint", "application/json").await,
        ),
        (
            "a list for an object",
            world
                .post_as(admin, "/v1/flows", JSON, r#"["", "x", []]"#)
                .await,
        ),
    ]
    .map(|(name, reply)| format!("{name} -> {}", reply.problem()));
    insta::assert_snapshot!(lines.join("\n"), @r"
        no path -> 404 no-such-path: there is nothing at this path
        root -> 404 no-such-path: there is nothing at this path
        a method -> 405 method-not-allowed: the header `Allow` lists the methods that this path takes
        no media type -> 415 unsupported-media-type: the body must be `application/json`
        a form -> 415 unsupported-media-type: the body must be `application/json`
        another charset -> 415 unsupported-media-type: the body must be in UTF-8
        XML events -> 415 unsupported-media-type: the body must be `application/json`, `application/cloudevents+json` or `application/cloudevents-batch+json`
        a JSON policy -> 400 unexpected-form: the JSON is not of the expected form, at line `1`, column `2`: missing field `code` at line 1 column 2
        gzip -> 415 unsupported-encoding: the body must be sent as it is, without `Content-Encoding`
        only HTML -> 406 not-acceptable: the answer is `application/json`
        JSON for a tile -> 406 not-acceptable: the answer is `text/plain`
        a list for an object -> 400 unexpected-form: the JSON is a list where an object is expected
        ");
    for accept in [
        "*/*",
        "application/*",
        "text/html, application/json;q=0.5",
        "APPLICATION/JSON",
    ] {
        assert_eq!(accepting("/v1/flows", accept).await.status, 200, "{accept}");
    }
}

#[tokio::test]
async fn paths_and_parameters_must_be_right() {
    let world = World::new().await;
    let mut lines = Vec::new();
    for path in [
        "/v1/flows/..%2f..%2fetc",
        "/v1/flows/refunds",
        "/v1/artifacts/abc",
        "/v1/artifacts?prefix=ABC",
        "/v1/artifacts?limit=many",
        "/v1/artifacts?limit=1&limit=2",
        "/v1/artifacts?colour=red",
        "/v1/environments/production?at=thursday",
        "/v1/environments/production/diff",
        "/v1/environments/moon",
        "/v1/search?q=abc",
        "/v1/entries/0000000000000000000000000000000000000000000000000000000000000000/receipt",
        "/tile/0/x",
        "/tile/0/999",
        "/tile/entries/000.p/255",
        "/v1/export?artifact=0000000000000000000000000000000000000000000000000000000000000000",
    ] {
        let reply = world.send(
            Request::get(path)
                .header("authorization", format!("Bearer {}", world.admin))
                .body(Body::empty())
                .unwrap(),
        );
        lines.push(format!("{path} -> {}", reply.await.problem()));
    }
    insta::assert_snapshot!(lines.join("\n"), @r"
        /v1/flows/..%2f..%2fetc -> 400 invalid-path: Cannot parse `flow` with value `../../etc`: `../../etc` is not a name: 1 to 64 of `A-Z a-z 0-9 . _ -`, first a letter or digit, without `..`
        /v1/flows/refunds -> 404 not-found: flow `refunds` does not exist
        /v1/artifacts/abc -> 400 invalid-path: Cannot parse `fingerprint` with value `abc`: `abc` is not a fingerprint: 64 lower-case hexadecimal digits
        /v1/artifacts?prefix=ABC -> 400 invalid-query: `prefix` is of up to 64 lower-case hexadecimal digits
        /v1/artifacts?limit=many -> 400 invalid-query: limit: invalid digit found in string
        /v1/artifacts?limit=1&limit=2 -> 400 invalid-query: duplicate field `limit`
        /v1/artifacts?colour=red -> 400 invalid-query: colour: unknown field `colour`, expected one of `prefix`, `after`, `limit`
        /v1/environments/production?at=thursday -> 400 invalid-query: at: expected a time as RFC 3339 writes it, for example `2026-11-19T02:30:00Z`
        /v1/environments/production/diff -> 400 invalid-query: missing field `from`
        /v1/environments/moon -> 404 not-found: environment `moon` does not exist
        /v1/search?q=abc -> 400 invalid-request: search for 4 or more lower-case hexadecimal digits
        /v1/entries/0000000000000000000000000000000000000000000000000000000000000000/receipt -> 404 not-found: entry `0000000000000000000000000000000000000000000000000000000000000000` does not exist
        /tile/0/x -> 400 invalid-path: `tile/0/x` is not a tile's path: `tile/<level or entries>/<index>`, with `.p/<width>` where it is not full
        /tile/0/999 -> 404 not-found: tile `tile/0/999` does not exist
        /tile/entries/000.p/255 -> 404 not-found: tile `tile/entries/000.p/255` does not exist
        /v1/export?artifact=0000000000000000000000000000000000000000000000000000000000000000 -> 404 not-found: artifact `0000000000000000000000000000000000000000000000000000000000000000` does not exist
        ");
}
