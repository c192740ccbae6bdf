use axum::body::Body;
use axum::http::Request;
use serde_json::{Value, json};

use crate::world::{World, fingerprint, trail_event};

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
    let before = world.size().await;
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
    assert_eq!(world.size().await, before + 2);
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
