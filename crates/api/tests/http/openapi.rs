//! Holds every exchange of these tests against the OpenAPI document, and the document's examples against the handlers.

use std::sync::LazyLock;

use axum::http::{Method, StatusCode};
use journal::Receipt;
use journal::key::{LogKey, ReceiptKey};
use journal::receipt::ReceiptTerms;
use serde_json::{Value, json};

use crate::world::{World, fingerprint};

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(api::OPENAPI).unwrap());

/// Checks that an answer is one that the document describes.
pub fn check_answer(
    method: &Method,
    path: &str,
    status: StatusCode,
    media_type: &str,
    bytes: &[u8],
) {
    let Some(operation) = operation(method, path) else {
        assert!(
            status.is_client_error(),
            "{method} {path} is not described and answers {status}"
        );
        return;
    };
    let responses = &operation["responses"];
    let response = responses
        .get(status.as_str())
        .unwrap_or_else(|| resolve(&responses["default"]));
    if status == StatusCode::NO_CONTENT {
        assert!(bytes.is_empty() && response["content"].is_null());
        return;
    }
    let media_type = media_type.split(';').next().unwrap();
    let content = &response["content"][media_type];
    assert!(
        content.is_object(),
        "{method} {path}: {status} as `{media_type}` is not described"
    );
    if media_type.ends_with("json") {
        let body = serde_json::from_slice(bytes).unwrap();
        check(&content["schema"], &body)
            .unwrap_or_else(|wrong| panic!("{method} {path}: {status}: {wrong}"));
    }
}

/// Checks that a body that was accepted is one that the document describes.
pub fn check_request(method: &Method, path: &str, media_type: &str, bytes: &[u8]) {
    let content = &operation(method, path).unwrap()["requestBody"]["content"][media_type];
    if !media_type.ends_with("json") {
        return;
    }
    assert!(
        content.is_object(),
        "{method} {path}: a body of `{media_type}` is not described"
    );
    let body = serde_json::from_slice(bytes).unwrap();
    check(&content["schema"], &body)
        .unwrap_or_else(|wrong| panic!("{method} {path}: accepted, but {wrong}"));
}

fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let path = path.split('?').next().unwrap();
    let matches = |template: &str| {
        let (wanted, found): (Vec<_>, Vec<_>) =
            (template.split('/').collect(), path.split('/').collect());
        let rest = template == "/tile/{path}" && found.len() > wanted.len();
        (wanted.len() == found.len() || rest)
            && wanted
                .iter()
                .zip(&found)
                .all(|(wanted, found)| wanted.starts_with('{') || wanted == found)
    };
    let paths = DOCUMENT["paths"].as_object().unwrap();
    let (_, methods) = paths.iter().find(|(template, _)| matches(template))?;
    methods.get(method.as_str().to_lowercase())
}

fn resolve(schema: &'static Value) -> &'static Value {
    match schema["$ref"].as_str() {
        Some(to) => DOCUMENT
            .pointer(to.trim_start_matches('#'))
            .unwrap_or_else(|| panic!("`{to}` is not there")),
        None => schema,
    }
}

/// Checks a value against as much of JSON Schema as the document uses; patterns and limits are left to the handlers.
fn check(schema: &'static Value, value: &Value) -> Result<(), String> {
    let schema = resolve(schema);
    if let Some(constant) = schema.get("const") {
        return if constant == value {
            Ok(())
        } else {
            Err(format!("{value} is not {constant}"))
        };
    }
    if let Some(allowed) = schema["enum"].as_array() {
        return if allowed.contains(value) {
            Ok(())
        } else {
            Err(format!("{value} is none of {allowed:?}"))
        };
    }
    for (word, exactly_one) in [("oneOf", true), ("anyOf", false)] {
        if let Some(choices) = schema[word].as_array() {
            let results: Vec<_> = choices.iter().map(|choice| check(choice, value)).collect();
            let fitting = results.iter().filter(|result| result.is_ok()).count();
            return match fitting {
                1 => Ok(()),
                2.. if !exactly_one => Ok(()),
                _ => Err(format!("{fitting} of {word} fit {value}: {results:?}")),
            };
        }
    }
    match schema["type"].as_str() {
        None => Ok(()),
        Some("string") => value
            .as_str()
            .map(drop)
            .ok_or_else(|| format!("{value} is no text")),
        Some("integer") => value
            .as_u64()
            .map(drop)
            .ok_or_else(|| format!("{value} is no integer")),
        Some("boolean") => value
            .as_bool()
            .map(drop)
            .ok_or_else(|| format!("{value} is no boolean")),
        Some("array") => {
            let items = value
                .as_array()
                .ok_or_else(|| format!("{value} is no list"))?;
            items
                .iter()
                .try_for_each(|item| check(&schema["items"], item))
        }
        Some("object") => check_object(schema, value),
        Some(other) => panic!("`{other}` is a type that this test does not know"),
    }
}

fn check_object(schema: &'static Value, value: &Value) -> Result<(), String> {
    let members = value
        .as_object()
        .ok_or_else(|| format!("{value} is no object"))?;
    for required in schema["required"].as_array().into_iter().flatten() {
        if !members.contains_key(required.as_str().unwrap()) {
            return Err(format!("{required} is missing in {value}"));
        }
    }
    for (name, member) in members {
        match schema["properties"].get(name) {
            Some(described) => {
                check(described, member).map_err(|wrong| format!("`{name}`: {wrong}"))?
            }
            None if schema["additionalProperties"] == false => {
                return Err(format!("`{name}` is not described"));
            }
            None => {}
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_examples_of_the_document_are_accepted() {
    let world = World::new().await;
    let zero = fingerprint('0');
    let person = world
        .made(&world.admin, "/v1/people", &json!({"name": "Alice"}))
        .await["person"]
        .as_str()
        .unwrap()
        .to_owned();
    let approver = json!({"name": "alice", "roles": ["approver"], "grants": [{"flow": "*"}], "person": person});
    let approver = world.token(&approver).await;
    let spare = world
        .made(
            &world.admin,
            "/v1/keys",
            &json!({"name": "spare", "roles": ["reader"]}),
        )
        .await;
    let (mut policy, mut binding) = (String::new(), String::new());
    let mut sent = 0;
    let order = [
        "/v1/flows",
        "/v1/environments",
        "/v1/events",
        "/v1/uploads",
        "/v1/people",
        "/v1/aliases",
        "/v1/keys",
        "/v1/keys/{key}/revocation",
        "/v1/policies",
        "/v1/bindings",
        "/v1/approval-requests",
        "/v1/approvals",
        "/v1/decisions",
        "/v1/trials",
        "/v1/snapshots",
        "/v1/bindings/{entry}/unbinding",
        "/v1/policy-keys",
        "/v1/clock-correction",
    ];
    for path in order {
        let token = match path {
            "/v1/events"
            | "/v1/uploads"
            | "/v1/decisions"
            | "/v1/trials"
            | "/v1/approval-requests"
            | "/v1/snapshots" => &world.reporter,
            "/v1/approvals" => &approver,
            _ => &world.admin,
        };
        let contents = DOCUMENT["paths"][path]["post"]["requestBody"]["content"]
            .as_object()
            .unwrap();
        for (media_type, content) in contents {
            let mut examples: Vec<_> = content["examples"]
                .as_object()
                .into_iter()
                .flatten()
                .collect();
            // All others are on the trail that the first begins.
            examples.sort_by_key(|(name, _)| *name != "trail");
            for (_, example) in examples {
                let body = match &example["value"] {
                    Value::String(text) => text.clone(),
                    other => other
                        .to_string()
                        .replace(&zero, &policy)
                        .replace("person-0000000000000000", &person),
                };
                let to = path
                    .replace("{key}", spare["key"].as_str().unwrap())
                    .replace("{entry}", &binding)
                    .replace("/v1/policies", "/v1/policies?name=always");
                let reply = world
                    .post_as(token, &to, &[("content-type", media_type)], body)
                    .await;
                assert!(
                    reply.status.is_success(),
                    "{path}: {} {}",
                    reply.status,
                    reply.text()
                );
                match path {
                    "/v1/policies" => policy = reply.json()["policy"].as_str().unwrap().to_owned(),
                    "/v1/bindings" => binding = reply.json()["entry"].as_str().unwrap().to_owned(),
                    _ => {}
                }
                sent += 1;
            }
        }
    }
    let described = DOCUMENT["paths"]
        .as_object()
        .unwrap()
        .values()
        .flat_map(|path| path["post"]["requestBody"]["content"].as_object());
    let examples: usize = described
        .flat_map(|content| content.values())
        .filter_map(|media| media["examples"].as_object())
        .map(serde_json::Map::len)
        .sum();
    // An endorsement takes a journal without `solo`, a recovery one that is read-only, and an exception ends at a time: they
    // have tests of their own.
    assert_eq!(sent, examples - 4);
}

#[test]
fn a_promise_is_a_receipt_that_the_document_describes() {
    let journal = "trailmark/acme".parse().unwrap();
    let (log, key) = (LogKey::new(&journal, &[1; 32]), ReceiptKey::new(&[2; 32]));
    let terms = ReceiptTerms {
        key: key.public(),
        from_ms: 1_700_000_000_000,
        until_ms: 1_700_000_060_000,
    };
    let voucher = log.vouch_receipt(terms).unwrap();
    let entry = model::Entry::hash_of(b"an entry");
    let promised = key.promise(&journal, &voucher, entry, terms.until_ms);
    let mut receipt = serde_json::to_value(Receipt::Promised(promised.unwrap())).unwrap();
    let schema = &DOCUMENT["components"]["schemas"]["Receipt"];
    check(schema, &receipt).unwrap();
    receipt["status"] = json!("proved");
    check(schema, &receipt).unwrap_err();
}
