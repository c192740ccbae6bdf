//! Policies with what comes with them, and exceptions.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use policy::PolicyForm;
use serde_json::{Value, json};

use crate::world::{World, fingerprint};

const REGO: &str = "package p\ndefault allow := false\nfindings contains {\"control\": \"c\", \"status\": \"failed\", \"reason\": \"r\", \"entries\": []}\n";

async fn published(world: &World, name: &str, body: &Value) -> String {
    let path = format!("/v1/policies?name={name}");
    let made = world.made(&world.admin, &path, body).await;
    made["policy"].as_str().unwrap().to_owned()
}

async fn person(world: &World, name: &str) -> String {
    let named = json!({"name": name});
    let person = world.made(&world.admin, "/v1/people", &named).await["person"].clone();
    let key = json!({"name": name, "roles": ["policy-author"], "person": person});
    world.token(&key).await
}

#[tokio::test]
async fn what_comes_with_a_policy_is_shown_and_its_code_is_read_back() {
    let world = World::new().await;
    let code = policy::stock::seed("unit-tested", PolicyForm::Component)
        .unwrap()
        .source();
    let schema =
        json!({"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}});
    let check =
        json!({"accepted": [{"finding": "f", "reason": "r"}], "program": "trailmark 0.1.0"});
    let body = json!({"language": "component", "code": STANDARD.encode(code.bytes()), "parameters": schema, "checked": check});
    let entry = published(&world, "tested", &body).await;
    let shown = world
        .get(&world.reporter, &format!("/v1/policies/{entry}"))
        .await
        .json();
    assert_eq!((&shown["parameters"], &shown["checked"]), (&schema, &check));
    assert_eq!(shown["code_bytes"], code.bytes().len());
    assert!(shown.get("cases").is_none());
    let read = world
        .get(&world.reporter, &format!("/v1/policies/{entry}/code"))
        .await;
    assert_eq!(read.header("content-type"), "application/wasm");
    assert_eq!(read.bytes, code.bytes());

    let rego = published(
        &world,
        "rego",
        &json!({"language": "rego", "code": REGO, "cases": "[]\n"}),
    )
    .await;
    let read = world
        .get(&world.reporter, &format!("/v1/policies/{rego}/code"))
        .await;
    assert_eq!(read.text(), REGO);
    let list = world.get(&world.reporter, "/v1/policies").await.json();
    let listed = |name: &str| {
        let mut listed = list.as_array().unwrap().iter();
        listed.find(|policy| policy["name"] == name).unwrap()
    };
    let checked = |name: &str| listed(name).get("checked_sha256").is_some();
    assert_eq!((checked("tested"), checked("rego")), (true, false));
    let none = world
        .get(&world.reporter, &format!("/v1/policies/{}", "0".repeat(64)))
        .await;
    assert_eq!(none.status, 404);

    let bind = |parameters: Value| json!({"policy": entry, "scope": "everything", "parameters": parameters});
    let refused = world
        .post(&world.admin, "/v1/bindings", &bind(json!({"n": "x"})))
        .await;
    insta::assert_snapshot!(refused.problem(), @r##"400 parameters-refused: the parameters do not fit the policy's schema at `#/n`: "x" is not of type "integer""##);
    world
        .made(&world.admin, "/v1/bindings", &bind(json!({"n": 1})))
        .await;
}

#[tokio::test]
async fn what_is_wrong_with_a_publication_is_told() {
    let world = World::new().await;
    let path = "/v1/policies?name=p";
    let lines = [
        json!({"language": "component", "code": "not base64!"}),
        json!({"language": "rego", "code": REGO, "parameters": {"type": "number of things"}}),
        json!({"language": "rego", "code": REGO, "parameters": {"$ref": "http://169.254.169.254/"}}),
        json!({"language": "rego", "code": REGO, "checked": {"accepted": [{"finding": "f", "reason": ""}], "program": "p"}}),
        json!({"language": "rego", "code": REGO, "checked": {"accepted": [], "program": "p", "cases": "0".repeat(64)}}),
        json!({"language": "rego", "code": REGO, "colour": "red"}),
        json!({"language": "cobol", "code": REGO}),
    ];
    for body in lines {
        let reply = world.post(&world.admin, path, &body).await;
        assert_eq!(reply.status, 400, "{body}: {}", reply.text());
    }
    assert_eq!(
        world.get(&world.admin, "/v1/policies").await.json(),
        json!([])
    );
}

#[tokio::test]
async fn an_exception_is_granted_endorsed_shown_and_withdrawn() {
    let world = World::without_solo().await;
    let (alice, bob) = (person(&world, "alice").await, person(&world, "bob").await);
    let digit = fingerprint('1');
    world.artifact("one", &digit).await;
    let policy = published(&world, "p", &json!({"language": "rego", "code": REGO})).await;
    let bind = json!({"policy": policy, "scope": "everything"});
    let binding = world.made(&alice, "/v1/bindings", &bind).await["entry"].clone();
    world
        .made(&bob, "/v1/endorsements", &json!({"entry": binding}))
        .await;
    let grant = |expires_ms: u64| {
        json!({"binding": binding, "control": "c", "environment": "production", "expires_ms": expires_ms,
            "reason": "the cluster is down", "scope": {"artifact": digit}})
    };
    let now_ms = world.recorder.now_ms();
    let machine = world
        .post(&world.admin, "/v1/exceptions", &grant(now_ms + 60_000))
        .await;
    assert_eq!(
        machine.problem(),
        "403 person-required: only a person can do this, and the key speaks for none"
    );
    let over = world.post(&alice, "/v1/exceptions", &grant(now_ms)).await;
    insta::assert_snapshot!(over.problem(), @"400 invalid-request: an exception ends in the future, at most `7776000000` ms from now");
    let granted = world
        .made(&alice, "/v1/exceptions", &grant(now_ms + 60_000))
        .await;
    let entry = granted["entry"].as_str().unwrap();
    let listed = async || world.get(&bob, "/v1/exceptions").await.json()[0].clone();
    assert_eq!(listed().await["in_force"], false);
    world
        .made(&bob, "/v1/endorsements", &json!({"entry": entry}))
        .await;
    let shown = listed().await;
    assert_eq!(
        (&shown["in_force"], &shown["name"]),
        (&json!(true), &json!("p"))
    );
    assert!(shown.get("endorsed_by").is_some());
    let ask = json!({"environment": "production", "fingerprint": digit});
    let decision = world
        .post(&world.reporter, "/v1/decisions", &ask)
        .await
        .json();
    assert_eq!(
        decision["grounds"]["policies"][0]["exceptions"][0]["entry"],
        entry
    );
    let path = format!("/v1/exceptions/{entry}/withdrawal");
    world
        .made(&alice, &path, &json!({"reason": "it is up"}))
        .await;
    assert_eq!(listed().await["in_force"], false);
    let again = world.post(&alice, &path, &json!({"reason": "twice"})).await;
    assert_eq!(again.status, 404);
}

const KEY: &str = "MCowBQYDK2VwAyEAxS/UvwMzefbAHenrQNcyuagqD+VJcRGRIpjVvULVk5M=";

fn signer() -> recorder::PolicySigner {
    let pem = concat!(
        "-----BEGIN ",
        "PRIVATE KEY-----\n",
        include_str!("../../../recorder/tests/keys/ed25519.base64"),
        "-----END ",
        "PRIVATE KEY-----\n"
    );
    recorder::PolicySigner::from_pem(pem).unwrap()
}

#[tokio::test]
async fn signatures_are_recorded_and_keys_trusted() {
    let world = World::new().await;
    let digit = fingerprint('1');
    world.artifact("one", &digit).await;
    let policy = published(&world, "p", &json!({"language": "rego", "code": REGO})).await;
    let bind = json!({"policy": policy, "scope": "everything"});
    world.made(&world.admin, "/v1/bindings", &bind).await;
    let trust = json!({"keys": [{"key": KEY, "expires_ms": world.recorder.now_ms() + 60_000}], "reason": "reviewed"});
    let entry = world.made(&world.admin, "/v1/policy-keys", &trust).await["entry"].clone();
    let shown = world.get(&world.reporter, "/v1/policy-keys").await.json();
    assert_eq!(shown["in_force"]["entry"], entry);
    assert_eq!(shown["in_force"]["keys"][0]["key"], KEY);
    assert_eq!(
        (&shown["waiting"], &shown["host"]),
        (&json!([]), &json!([]))
    );
    let ask = json!({"environment": "production", "fingerprint": digit});
    let decide = async || {
        let decision = world
            .post(&world.reporter, "/v1/decisions", &ask)
            .await
            .json();
        decision["grounds"]["policies"][0]["evaluation"]["outcome"].clone()
    };
    assert_eq!(decide().await, json!({"denied": "policy-not-signed"}));

    let path = format!("/v1/policies/{policy}/signatures");
    let of = |name: &str| {
        let source = policy::PolicySource::Rego(REGO.into());
        let publication = recorder::Publication::new(name.parse().unwrap(), source);
        recorder::sign(&publication.signed(), &signer()).unwrap()
    };
    let send = async |token: &str, media_type: &str, bundle: Vec<u8>| {
        world
            .post_as(token, &path, &[("content-type", media_type)], bundle)
            .await
    };
    let wrong = send(&world.admin, "application/json", of("q")).await;
    insta::assert_snapshot!(wrong.problem(), @"400 signature-refused: the signature is not taken: the signature is of another policy: its name is `q`, not `p`");
    let role = send(&world.reporter, "application/json", of("p")).await;
    assert_eq!(role.status, 403);
    let text = send(&world.admin, "text/plain", of("p")).await;
    assert_eq!(text.status, 415);
    let huge = send(&world.admin, "application/json", vec![b' '; 65 * 1024]).await;
    assert_eq!(huge.status, 413);
    let signed = send(&world.admin, recorder::SIGNATURE_MEDIA_TYPE, of("p")).await;
    assert_eq!(signed.status, 201);
    let list = world.get(&world.reporter, &path).await.json();
    assert_eq!(list[0]["entry"], signed.json()["signature"]);
    assert_eq!(list[0]["by"], json!([signer().public().id()]));
    assert_eq!(list[0]["bundle"].as_str().unwrap().as_bytes(), of("p"));
    assert!(decide().await.get("verdict").is_some());

    for body in [
        json!({"reason": "nothing is lifted by leaving it out"}),
        json!({"keys": [{"key": "AAAA"}], "reason": "no key"}),
        json!({"keys": [{"key": KEY}, {"key": KEY}], "reason": "twice"}),
        json!({"keys": [], "reason": ""}),
    ] {
        let reply = world.post(&world.admin, "/v1/policy-keys", &body).await;
        assert_eq!(reply.status, 400, "{body}: {}", reply.text());
    }
    let lift = json!({"keys": null, "reason": "no longer"});
    world.made(&world.admin, "/v1/policy-keys", &lift).await;
    let shown = world.get(&world.reporter, "/v1/policy-keys").await.json();
    assert!(shown.get("in_force").is_none());
}

#[tokio::test]
async fn what_makes_trust_laxer_waits_for_a_second_admin() {
    let world = World::without_solo().await;
    let admin = async |name: &str| {
        let person = world
            .made(&world.admin, "/v1/people", &json!({"name": name}))
            .await["person"]
            .clone();
        world
            .token(&json!({"name": name, "roles": ["admin"], "person": person}))
            .await
    };
    let (alice, bob) = (admin("alice").await, admin("bob").await);
    let list = |keys: Value| json!({"keys": keys, "reason": "a reason"});
    world
        .made(&world.admin, "/v1/policy-keys", &list(json!([])))
        .await;
    let one = list(json!([{"key": KEY}]));
    let machine = world.post(&world.admin, "/v1/policy-keys", &one).await;
    assert_eq!(machine.status, 403);
    let entry = world.made(&alice, "/v1/policy-keys", &one).await["entry"].clone();
    let shown = async || world.get(&alice, "/v1/policy-keys").await.json();
    assert_eq!(shown().await["waiting"][0]["entry"], entry);
    assert_eq!(shown().await["in_force"]["keys"], json!([]));
    let endorse = json!({"entry": entry});
    assert_eq!(
        world
            .post(&alice, "/v1/endorsements", &endorse)
            .await
            .status,
        400
    );
    world.made(&bob, "/v1/endorsements", &endorse).await;
    assert_eq!(shown().await["in_force"]["keys"][0]["key"], KEY);
    assert_eq!(shown().await["waiting"], json!([]));
}
