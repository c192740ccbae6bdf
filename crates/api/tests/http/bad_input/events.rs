use serde_json::{Value, json};

use super::{refusals, text, with};
use crate::world::{World, artifact_event, attestation_event, fingerprint, trail_event};

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
