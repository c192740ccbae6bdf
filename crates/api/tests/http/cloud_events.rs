use serde_json::{Value, json};

use crate::world::{World, artifact_event, fingerprint, trail_event};

const STRUCTURED: &[(&str, &str)] = &[(
    "content-type",
    "application/cloudevents+json; charset=utf-8",
)];
const BATCH: &[(&str, &str)] = &[("content-type", "application/cloudevents-batch+json")];

fn event(id: &str, data: Value) -> Value {
    json!({"specversion": "1.0", "type": "dev.trailmark.trail.v1", "source": "/ci", "id": id, "data": data})
}

fn trail(id: &str, trail: &str) -> Value {
    event(id, json!({"flow": "payments", "trail": trail}))
}

#[tokio::test]
async fn structured_batch_and_binary_mode_are_read_alike() {
    let world = World::new().await;
    let mut first = trail("1", "one");
    first["time"] = json!("2026-11-19T02:29:00Z");
    first["traceparent"] = json!("00-1-1-00");
    let one = world
        .post_as(
            &world.reporter,
            "/v1/events",
            &STRUCTURED[..1],
            first.to_string(),
        )
        .await;
    let two = world
        .post_as(
            &world.reporter,
            "/v1/events",
            BATCH,
            json!([trail("2", "two")]).to_string(),
        )
        .await;
    let binary = [
        ("content-type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-type", "dev.trailmark.trail.v1"),
        ("ce-source", "/ci/%C3%BC"),
        ("ce-id", "\"3\""),
        ("ce-time", "2026-11-19T02:29:00Z"),
    ];
    let three = world
        .post_as(
            &world.reporter,
            "/v1/events",
            &binary,
            r#"{"flow":"payments","trail":"three"}"#,
        )
        .await;
    assert_eq!(
        [one.status, two.status, three.status].map(|status| status.as_u16()),
        [201; 3],
        "{} {} {}",
        one.text(),
        two.text(),
        three.text()
    );
    for (recorded, name, claimed) in [
        (one.json(), "one", true),
        (two.json()[0].clone(), "two", false),
        (three.json(), "three", true),
    ] {
        let shown = world
            .get(
                &world.reporter,
                &format!("/v1/entries/{}", recorded["entry"].as_str().unwrap()),
            )
            .await
            .json();
        assert_eq!(
            (&shown["kind"], &shown["fields"]["trail"]),
            (&json!("trail-begun"), &json!(name))
        );
        assert_eq!(shown.get("claimed").is_some(), claimed);
    }
}

#[tokio::test]
async fn every_type_is_known_by_its_name() {
    let world = World::new().await;
    let (artifact, trail) = (artifact_event("one", &fingerprint('a')), trail_event("one"));
    let deployment = json!({"flow": "payments", "environment": "production", "fingerprint": fingerprint('a'), "name": "x"});
    let attestation = json!({
        "flow": "payments", "trail": "one", "name": "contract", "type": "generic",
        "report": {"json": {"outcome": "passed", "data": {}}},
    });
    let events: Vec<Value> = [
        ("trail", trail),
        ("artifact", artifact),
        ("attestation", attestation),
        ("deployment", deployment),
    ]
    .into_iter()
    .enumerate()
    .map(|(id, (name, mut data))| {
        data.as_object_mut().unwrap().remove("kind");
        let mut event = event(&id.to_string(), data);
        event["type"] = json!(format!("dev.trailmark.{name}.v1"));
        event
    })
    .collect();
    let reply = world
        .post_as(
            &world.reporter,
            "/v1/events",
            BATCH,
            json!(events).to_string(),
        )
        .await;
    assert_eq!(reply.status, 201, "{}", reply.text());
}

#[tokio::test]
async fn source_and_id_make_a_retry_recognisable_for_each_sender_apart() {
    let world = World::new().await;
    let other = json!({"name": "other", "roles": ["reporter"], "grants": [{"flow": "payments"}]});
    let other = world.token(&other).await;
    let send = async |token: &str, event: Value| {
        world
            .post_as(token, "/v1/events", STRUCTURED, event.to_string())
            .await
    };
    let first = send(&world.reporter, trail("1", "one")).await.json();
    let again = send(&world.reporter, trail("1", "one")).await;
    assert_eq!(
        (again.status.as_u16(), &again.json()["entry"]),
        (200, &first["entry"])
    );
    assert_eq!(send(&world.reporter, trail("1", "two")).await.status, 409);
    let mut elsewhere = trail("1", "two");
    elsewhere["source"] = json!("/cd");
    assert_eq!(send(&world.reporter, elsewhere).await.status, 201);
    assert_eq!(send(&other, trail("1", "two")).await.status, 201);
}

#[tokio::test]
async fn what_is_not_a_cloud_event_of_ours_is_refused() {
    let world = World::new().await;
    let before = world.size().await;
    let changed = |name: &str, value: Value| {
        let mut event = trail("1", "one");
        event[name] = value;
        event
    };
    let without = |name: &str| {
        let mut event = trail("1", "one");
        event.as_object_mut().unwrap().remove(name);
        event
    };
    let mut lines = Vec::new();
    for (name, event) in [
        ("another version", changed("specversion", json!("0.3"))),
        ("no version", without("specversion")),
        ("no type", without("type")),
        ("no source", without("source")),
        ("an empty id", changed("id", json!(""))),
        ("an id that is a number", changed("id", json!(1))),
        ("no data", without("data")),
        ("a long source", changed("source", json!("s".repeat(1_025)))),
        (
            "an unknown type",
            changed("type", json!("com.example.party")),
        ),
        (
            "a type of a later version",
            changed("type", json!("dev.trailmark.trail.v2")),
        ),
        ("a name with a dash", changed("trace-id", json!("1"))),
        ("an object", changed("extension", json!({}))),
        ("a time that is none", changed("time", json!("soon"))),
        ("XML", changed("datacontenttype", json!("text/xml"))),
        ("base64", changed("data_base64", json!("e30="))),
        (
            "data that is a list",
            changed("data", json!(["payments", "one"])),
        ),
        ("data with a kind", changed("data", trail_event("one"))),
    ] {
        let reply = world
            .post_as(&world.reporter, "/v1/events", STRUCTURED, event.to_string())
            .await;
        lines.push(format!("{name} -> {}", reply.problem()));
    }
    for (name, headers, body) in [
        ("a list as one", STRUCTURED, json!([trail("1", "one")])),
        ("one as a list", BATCH, trail("1", "one")),
        (
            "the second of a batch",
            BATCH,
            json!([trail("1", "one"), trail("", "two")]),
        ),
    ] {
        let reply = world
            .post_as(&world.reporter, "/v1/events", headers, body.to_string())
            .await;
        lines.push(format!("{name} -> {}", reply.problem()));
    }
    let binary = [
        ("content-type", "application/json"),
        ("ce-specversion", "1.0"),
        ("ce-type", "dev.trailmark.trail.v1"),
    ];
    let reply = world
        .post_as(&world.reporter, "/v1/events", &binary, "{}")
        .await;
    lines.push(format!("headers without a source -> {}", reply.problem()));
    assert_eq!(world.size().await, before);
    insta::assert_snapshot!(lines.join("\n"), @r"
        another version -> 400 invalid-cloud-event: `specversion` is not `1.0`
        no version -> 400 invalid-cloud-event: the attribute `specversion` is required, and no empty text
        no type -> 400 invalid-cloud-event: the attribute `type` is required, and no empty text
        no source -> 400 invalid-cloud-event: the attribute `source` is required, and no empty text
        an empty id -> 400 invalid-cloud-event: the attribute `id` is required, and no empty text
        an id that is a number -> 400 invalid-cloud-event: the attribute `id` is required, and no empty text
        no data -> 400 invalid-cloud-event: there is no `data`
        a long source -> 400 invalid-cloud-event: `source` and `id` have at most `1024` bytes
        an unknown type -> 400 invalid-cloud-event: the type `com.example.party` is not known
        a type of a later version -> 400 invalid-cloud-event: the type `dev.trailmark.trail.v2` is not known
        a name with a dash -> 400 invalid-cloud-event: `trace-id` is no attribute: their names are of `a-z` and `0-9`
        an object -> 400 invalid-cloud-event: the attribute `extension` is a list or an object
        a time that is none -> 400 invalid-value: the claimed time is not one as RFC 3339 writes it, since 1970
        XML -> 400 invalid-cloud-event: `datacontenttype` is not JSON
        base64 -> 400 invalid-cloud-event: `data_base64` is not taken
        data that is a list -> 400 unexpected-form: the `data` of an event is a JSON object
        data with a kind -> 400 unexpected-form: unknown field `kind`, expected one of `build_url`, `commit`, `flow`, `repository`, `trail` at line 1 column 25
        a list as one -> 400 invalid-cloud-event: the body is a list
        one as a list -> 400 unexpected-form: the body is no list
        the second of a batch -> 400 invalid-cloud-event event 1: the attribute `id` is required, and no empty text
        headers without a source -> 400 invalid-cloud-event: the attribute `source` is required, and no empty text
        ");
}
