//! Bad input: each is refused clearly, with nothing recorded.

use api::Limits;
use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::world::{World, artifact_event, attestation_event, fingerprint, trail_event};

const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

/// Posts each body to a path as somebody, and returns the refusals, a line each.
async fn refusals(world: &World, token: &str, path: &str, cases: &[(&str, Vec<u8>)]) -> String {
    let before = world.size();
    let mut lines = Vec::new();
    for (name, body) in cases {
        let reply = world.post_as(token, path, JSON, body.clone()).await;
        lines.push(format!("{name} -> {}", reply.problem()));
    }
    assert_eq!(world.size(), before, "something was recorded");
    lines.join("\n")
}

fn text(text: impl Into<Vec<u8>>) -> Vec<u8> {
    text.into()
}

fn with(mut event: Value, member: &str, value: Value) -> Vec<u8> {
    event[member] = value;
    event.to_string().into_bytes()
}

#[tokio::test]
async fn what_is_not_an_event_is_refused() {
    let world = World::new().await;
    let trail = || trail_event("one");
    let cases = [
        ("nothing", text("")),
        ("not JSON", text("kind: trail")),
        ("not UTF-8", text(b"{\"kind\":\"\xff\"}".as_slice())),
        (
            "a key twice",
            text(r#"{"kind":"trail","flow":"payments","flow":"payments","trail":"one"}"#),
        ),
        ("10,000 levels", text("[".repeat(10_000))),
        (
            "33 levels",
            text(format!(
                "{{\"kind\":{}1{}}}",
                "[".repeat(32),
                "]".repeat(32)
            )),
        ),
        ("a number", text("7")),
        (
            "a list in its place",
            text(r#"[["trail", {"flow":"payments","trail":"one"}]]"#),
        ),
        ("an empty list", text("[]")),
        ("no kind", text(r#"{"flow":"payments","trail":"one"}"#)),
        ("an unknown kind", with(trail(), "kind", json!("party"))),
        ("an unknown member", with(trail(), "colour", json!("red"))),
        (
            "a missing member",
            text(r#"{"kind":"trail","flow":"payments"}"#),
        ),
        ("a wrong type", with(trail(), "flow", json!(7))),
        ("an unknown flow", with(trail(), "flow", json!("refunds"))),
        (
            "a time that is none",
            with(trail(), "claimed", json!("soon")),
        ),
        (
            "a future time",
            with(trail(), "claimed", json!("2026-11-19T02:35:00.001Z")),
        ),
        (
            "an empty idempotency key",
            with(trail(), "idempotency_key", json!("")),
        ),
        (
            "a long idempotency key",
            with(trail(), "idempotency_key", json!("k".repeat(257))),
        ),
    ];
    insta::assert_snapshot!(refusals(&world, &world.reporter, "/v1/events", &cases).await, @r"
        nothing -> 400 invalid-json: the bytes are not valid JSON, at line `1`, column `0`: EOF while parsing a value at line 1 column 0
        not JSON -> 400 invalid-json: the bytes are not valid JSON, at line `1`, column `1`: expected value at line 1 column 1
        not UTF-8 -> 400 invalid-json: the bytes are not valid JSON, at line `1`, column `10`: invalid unicode code point at line 1 column 10
        a key twice -> 400 invalid-json: the JSON names the key `flow` twice in one object, at line `1`, column `40`
        10,000 levels -> 400 invalid-json: the JSON is nested deeper than 32 levels at byte `32`
        33 levels -> 400 invalid-json: the JSON is nested deeper than 32 levels at byte `39`
        a number -> 400 unexpected-form: an event is a JSON object
        a list in its place -> 400 unexpected-form event 0: an event is a JSON object
        an empty list -> 413 batch-size: a batch has 1 to 49 events, not `0`
        no kind -> 400 unexpected-form: missing field `kind` at line 1 column 33
        an unknown kind -> 400 unexpected-form: unknown variant `party`, expected one of `trail`, `artifact`, `attestation`, `deployment` at line 1 column 48
        an unknown member -> 400 unexpected-form: unknown field `colour`, expected one of `build_url`, `commit`, `flow`, `repository`, `trail` at line 1 column 63
        a missing member -> 400 unexpected-form: missing field `trail` at line 1 column 34
        a wrong type -> 400 unexpected-form: invalid type: integer `7`, expected a string at line 1 column 39
        an unknown flow -> 403 grant-missing: the key has no grant to record `trail-begun` for flow `refunds`
        a time that is none -> 400 invalid-value: the claimed time is not one as RFC 3339 writes it, since 1970
        a future time -> 400 claimed-ahead: the claimed time is `300001` ms ahead of this recorder's, over the limit of 300000
        an empty idempotency key -> 400 invalid-idempotency-key: an idempotency key has 1 to 256 bytes of printable ASCII
        a long idempotency key -> 400 invalid-idempotency-key: an idempotency key has 1 to 256 bytes of printable ASCII
        ");
}

#[tokio::test]
async fn names_that_could_deceive_are_refused() {
    let world = World::new().await;
    let named = |name: &str| with(trail_event("one"), "trail", json!(name));
    let cases = [
        ("control characters", named("run\u{1b}[2J")),
        ("a line break", named("run\n")),
        ("a way up", named("../etc")),
        ("mixed scripts", named("p\u{430}yments")),
        ("10 KB", named(&"a".repeat(10_000))),
        (
            "a text with control characters",
            with(trail_event("one"), "repository", json!("https://\u{7}")),
        ),
        (
            "a text of 10 KB",
            with(trail_event("one"), "repository", json!("a".repeat(10_000))),
        ),
    ];
    insta::assert_snapshot!(refusals(&world, &world.reporter, "/v1/events", &cases).await, @r"
        control characters -> 400 unexpected-form: `run\u{1b}[2J` is not a name: 1 to 64 of `A-Z a-z 0-9 . _ -`, first a letter or digit, without `..` at line 1 column 57
        a line break -> 400 unexpected-form: `run\n` is not a name: 1 to 64 of `A-Z a-z 0-9 . _ -`, first a letter or digit, without `..` at line 1 column 50
        a way up -> 400 unexpected-form: `../etc` is not a name: 1 to 64 of `A-Z a-z 0-9 . _ -`, first a letter or digit, without `..` at line 1 column 51
        mixed scripts -> 400 unexpected-form: `pаyments` is not a name: 1 to 64 of `A-Z a-z 0-9 . _ -`, first a letter or digit, without `..` at line 1 column 54
        10 KB -> 400 unexpected-form: `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa` is not a name: 1 to 64 of `A-Z a-z 0-9 . _ -`, first a letter or digit, without `..` at line 1 column 10045
        a text with control characters -> 400 invalid-value: `repository` must have at most 512 bytes and no control characters
        a text of 10 KB -> 400 invalid-value: `repository` must have at most 512 bytes and no control characters
        ");
}

#[tokio::test]
async fn fingerprints_and_trails_must_be_right() {
    let world = World::new().await;
    world.artifact("one", &fingerprint('a')).await;
    let artifact = |fingerprint: &str| {
        with(
            artifact_event("one", "x"),
            "fingerprint",
            json!(fingerprint),
        )
    };
    let report = || json!({"text": "<testsuite/>"});
    let cases = [
        ("63 digits", artifact(&"a".repeat(63))),
        ("capital digits", artifact(&"A".repeat(64))),
        ("no digits", artifact(&"z".repeat(64))),
        ("an unknown trail", artifact_event("nowhere", &fingerprint('b')).to_string().into_bytes()),
        ("an unknown artifact", attestation_event("one", &fingerprint('b'), &report()).to_string().into_bytes()),
        ("an unknown environment", text(json!({
            "kind": "deployment", "flow": "payments", "environment": "moon", "fingerprint": fingerprint('a'), "name": "x",
        }).to_string())),
        ("too many platforms", with(artifact_event("one", &fingerprint('b')), "provenance", json!({
            "builder": "ci", "commit": "a".repeat(40), "repository": "r",
            "contains": (0..8).map(|digit| fingerprint(char::from(b'0' + digit))).collect::<Vec<_>>(),
        }))),
    ];
    insta::assert_snapshot!(refusals(&world, &world.reporter, "/v1/events", &cases).await, @r"
        63 digits -> 400 unexpected-form: `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa` is not a fingerprint: 64 lower-case hexadecimal digits at line 1 column 279
        capital digits -> 400 unexpected-form: `AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA` is not a fingerprint: 64 lower-case hexadecimal digits at line 1 column 280
        no digits -> 400 unexpected-form: `zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz` is not a fingerprint: 64 lower-case hexadecimal digits at line 1 column 280
        an unknown trail -> 404 not-found: trail `payments/nowhere` does not exist
        an unknown artifact -> 404 not-found: artifact `bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb` does not exist
        an unknown environment -> 404 not-found: environment `moon` does not exist
        too many platforms -> 400 invalid-request: an artifact may contain at most `5` others
        ");
}

#[tokio::test]
async fn reports_that_cannot_be_trusted_are_refused() {
    let world = World::new().await;
    world.artifact("one", &fingerprint('a')).await;
    let junit = |report: Value| {
        attestation_event("one", &fingerprint('a'), &report)
            .to_string()
            .into_bytes()
    };
    let laughs = r#"<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><testsuite name="&b;"/>"#;
    let external =
        r#"<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><testsuite name="&a;"/>"#;
    // `<?xml version="1.0" encoding="ISO-8859-1"?><testsuite name="café"/>`, its é as one byte.
    let latin = "PD94bWwgdmVyc2lvbj0iMS4wIiBlbmNvZGluZz0iSVNPLTg4NTktMSI/Pjx0ZXN0c3VpdGUgbmFtZT0iY2Fm6SIvPg==";
    let cases = [
        ("billion laughs", junit(json!({"text": laughs}))),
        ("an external entity", junit(json!({"text": external}))),
        ("an empty file", junit(json!({"text": ""}))),
        ("not base64", junit(json!({"base64": "%%%"}))),
        ("two forms", junit(json!({"text": "", "base64": ""}))),
        (
            "over 4 MiB",
            junit(json!({"text": "x".repeat(4 * 1024 * 1024 + 1)})),
        ),
        (
            "an unknown type",
            with(
                attestation_event("one", &fingerprint('a'), &json!({"text": ""})),
                "type",
                json!("horoscope"),
            ),
        ),
    ];
    insta::assert_snapshot!(refusals(&world, &world.reporter, "/v1/events", &cases).await, @r"
        billion laughs -> 400 unreadable-evidence: the evidence cannot be read: the XML report has a document type (`<!DOCTYPE`), which is refused
        an external entity -> 400 unreadable-evidence: the evidence cannot be read: the XML report has a document type (`<!DOCTYPE`), which is refused
        an empty file -> 400 unreadable-evidence: the evidence cannot be read: the XML report is empty
        not base64 -> 400 invalid-request: the report is not base64: Invalid symbol 37, offset 0.
        two forms -> 400 unexpected-form: invalid value: map, expected map with a single key at line 1 column 203
        over 4 MiB -> 413 report-too-large: the evidence cannot be read: the report has `4194305` bytes, over the limit of 4194304
        an unknown type -> 400 unreadable-evidence: the evidence cannot be read: `horoscope` is not a known type of evidence; known are `generic`, `junit`, `pull-request`, `sarif`
        ");
    // Zero tests are recorded as what they are, and ISO-8859-1 is read as what it is.
    let none = world
        .event(&attestation_event(
            "one",
            &fingerprint('a'),
            &json!({"base64": latin}),
        ))
        .await;
    let shown = world
        .get(
            &world.reporter,
            &format!("/v1/entries/{}", none["entry"].as_str().unwrap()),
        )
        .await
        .json();
    assert_ne!(shown["fields"]["outcome"], "passed");
}

#[tokio::test]
async fn every_limit_has_a_refusal_of_its_own() {
    let limits = Limits {
        body_bytes_max: 10_000,
        headers_bytes_max: 2_000,
        policy_bytes_max: 1_000,
        ..Limits::default()
    };
    let world = World::with(limits).await;
    let before = world.size();
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
    assert_eq!(world.size(), before);
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
async fn who_may_not_is_refused() {
    let world = World::new().await;
    world
        .made(&world.admin, "/v1/flows", &json!({"flow": "refunds"}))
        .await;
    let key = |name: &str, roles: Value, more: Value| {
        let mut key = json!({"name": name, "roles": roles});
        key.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        key
    };
    let token = async |add: Value| world.token(&add).await;
    let reader = token(key("reader", json!(["reader"]), json!({}))).await;
    let narrow = token(key(
        "narrow",
        json!(["reporter"]),
        json!({"grants": [{"flow": "payments", "kinds": ["attestation"]}]}),
    ))
    .await;
    let short = token(key(
        "short",
        json!(["reporter"]),
        json!({"expires_ms": crate::world::START_MS + 1_000}),
    ))
    .await;
    let revoked = world
        .made(
            &world.admin,
            "/v1/keys",
            &key("leaked", json!(["reporter"]), json!({})),
        )
        .await;
    let revocation = format!("/v1/keys/{}/revocation", revoked["key"].as_str().unwrap());
    world
        .made(&world.admin, &revocation, &json!({"reason": "leaked"}))
        .await;
    let before = world.size();
    world.clock.advance(1_000);
    let wrong = format!("{}0", &world.reporter[..world.reporter.len() - 1]);
    let trail = trail_event("one");
    let mut lines = Vec::new();
    for (name, token) in [
        ("no key", ""),
        ("not a key", "tm_"),
        ("a wrong key", wrong.as_str()),
        ("an expired key", &short),
        ("a revoked key", revoked["token"].as_str().unwrap()),
        ("a key without the role", &reader),
        ("an admin's key", &world.admin),
        ("a key without the kind", &narrow),
    ] {
        lines.push(format!(
            "{name} -> {}",
            world.post(token, "/v1/events", &trail).await.problem()
        ));
    }
    let foreign = json!({"kind": "trail", "flow": "refunds", "trail": "one"});
    lines.push(format!(
        "a key without the flow -> {}",
        world
            .post(&world.reporter, "/v1/events", &foreign)
            .await
            .problem()
    ));
    let every = token(key(
        "every",
        json!(["reporter"]),
        json!({"grants": [{"flow": "*"}]}),
    ))
    .await;
    let unknown = json!({"kind": "trail", "flow": "unknown", "trail": "one"});
    lines.push(format!(
        "an unknown flow -> {}",
        world.post(&every, "/v1/events", &unknown).await.problem()
    ));
    lines.push(format!("a machine -> {}", {
        let approver = json!({"name": "machine", "roles": ["approver"], "grants": [{"flow": "*"}]});
        let approver = token(approver).await;
        world
            .post(
                &approver,
                "/v1/approvals",
                &json!({"environment": "production", "fingerprint": fingerprint('a')}),
            )
            .await
            .problem()
    }));
    // Nothing but the two keys.
    assert_eq!(world.size(), before + 2);
    insta::assert_snapshot!(lines.join("\n"), @r"
        no key -> 401 unauthenticated: no valid key was given
        not a key -> 401 unauthenticated: no valid key was given
        a wrong key -> 401 unauthenticated: no valid key was given
        an expired key -> 401 unauthenticated: no valid key was given
        a revoked key -> 401 unauthenticated: no valid key was given
        a key without the role -> 403 role-missing: the key has no role that may do this; it takes `reporter`
        an admin's key -> 403 role-missing: the key has no role that may do this; it takes `reporter`
        a key without the kind -> 403 grant-missing: the key has no grant to record `trail-begun` for flow `payments`
        a key without the flow -> 403 grant-missing: the key has no grant to record `trail-begun` for flow `refunds`
        an unknown flow -> 404 not-found: flow `unknown` does not exist
        a machine -> 403 person-required: only a person can do this, and the key speaks for none
        ");
    let reply = world.post("", "/v1/events", &trail).await;
    assert_eq!(reply.header("www-authenticate"), "Bearer");
    insta::assert_snapshot!(reply.json()["hint"].as_str().unwrap(), @"send `Authorization: Bearer KEY` with a key that is neither expired nor revoked");
    let basic = Request::get("/v1/flows")
        .header("authorization", "Basic abc")
        .body(Body::empty())
        .unwrap();
    assert_eq!(world.send(basic).await.status, 401);
}

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
        a JSON policy -> 415 unsupported-media-type: the body must be `application/rego`, `text/plain` (Rego source) or `application/wasm`
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

#[tokio::test]
async fn an_idempotency_header_must_be_right() {
    let world = World::new().await;
    let event = || trail_event("one").to_string();
    for key in ["", &"k".repeat(257), "tab\tbed"] {
        let headers = [
            ("content-type", "application/json"),
            ("idempotency-key", key),
        ];
        let reply = world
            .post_as(&world.reporter, "/v1/events", &headers, event())
            .await;
        insta::allow_duplicates!(
            insta::assert_snapshot!(reply.problem(), @"400 invalid-idempotency-key: an idempotency key has 1 to 256 bytes of printable ASCII")
        );
    }
    let twice = [
        ("content-type", "application/json"),
        ("idempotency-key", "a"),
        ("idempotency-key", "b"),
    ];
    insta::assert_snapshot!(world.post_as(&world.reporter, "/v1/events", &twice, event()).await.problem(), @"400 invalid-idempotency-key: there is more than one `Idempotency-Key`");
}

#[tokio::test]
async fn policies_that_are_none_are_refused() {
    let world = World::new().await;
    let before = world.size();
    let rego = [("content-type", "application/rego")];
    let wasm = [("content-type", "application/wasm")];
    let admin = &world.admin;
    let http =
        "package p\ndefault allow := false\nallow if http.send({}).ok\nfindings contains {}\n";
    let default = "package p\ndefault allow := true\nfindings contains {}\n";
    let lines = [
        (
            "nothing",
            world.post_as(admin, "/v1/policies?name=p", &rego, "").await,
        ),
        (
            "a syntax error",
            world
                .post_as(admin, "/v1/policies?name=p", &rego, "package p\nallow if {")
                .await,
        ),
        (
            "http.send",
            world
                .post_as(admin, "/v1/policies?name=p", &rego, http)
                .await,
        ),
        (
            "default allow",
            world
                .post_as(admin, "/v1/policies?name=p", &rego, default)
                .await,
        ),
        (
            "not UTF-8",
            world
                .post_as(admin, "/v1/policies?name=p", &rego, b"\xff".to_vec())
                .await,
        ),
        (
            "not WebAssembly",
            world
                .post_as(admin, "/v1/policies?name=p", &wasm, "package p")
                .await,
        ),
        (
            "truncated",
            world
                .post_as(
                    admin,
                    "/v1/policies?name=p",
                    &wasm,
                    b"\0asm\x0d\0\x01\0\x07".to_vec(),
                )
                .await,
        ),
        (
            "no name",
            world
                .post_as(admin, "/v1/policies", &rego, "package p")
                .await,
        ),
        (
            "a wrong name",
            world
                .post_as(admin, "/v1/policies?name=..%2f", &rego, "package p")
                .await,
        ),
    ]
    .map(|(name, reply)| format!("{name} -> {}", reply.problem()));
    assert_eq!(world.size(), before);
    insta::assert_snapshot!(lines.join("\n"), @r"
        nothing -> 400 policy-refused: the policy cannot be published: the policy is empty
        a syntax error -> 400 policy-refused: the policy cannot be published: the Rego source is wrong: 
        --> policy.rego:2:11
          |
        2 | allow if {
          |           ^
        error: expecting expression
        http.send -> 400 policy-refused: the policy cannot be published: the Rego source calls `http.send`, which a policy does not have
        default allow -> 400 policy-refused: the policy cannot be published: the Rego source has a default for `allow` that is not `false`
        not UTF-8 -> 400 invalid-text: Rego source is UTF-8 text
        not WebAssembly -> 400 policy-refused: the policy cannot be published: the policy is not a WebAssembly component
        truncated -> 400 policy-refused: the policy cannot be published: the component is invalid: failed to parse WebAssembly module: unexpected end-of-file (at offset 0x9)
        no name -> 400 invalid-query: missing field `name`
        a wrong name -> 400 invalid-query: name: `../` is not a name: 1 to 64 of `A-Z a-z 0-9 . _ -`, first a letter or digit, without `..`
        ");
}
