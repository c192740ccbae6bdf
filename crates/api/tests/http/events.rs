use serde_json::json;

use crate::world::{World, artifact_event, attestation_event, fingerprint, trail_event};

#[tokio::test]
async fn an_event_is_answered_with_its_entry_and_a_receipt_that_verifies() {
    let world = World::new().await;
    let reply = world
        .post(&world.reporter, "/v1/events", &trail_event("one"))
        .await;
    assert_eq!(reply.status, 201);
    let recorded = reply.json();
    assert_eq!(recorded["index"], world.size().await - 1);
    assert_eq!(recorded["recorded"], "2026-11-19T02:30:00Z");
    assert_eq!(recorded["replayed"], false);
    let receipt: journal::Receipt = serde_json::from_value(recorded["receipt"].clone()).unwrap();
    let entry = recorded["entry"].as_str().unwrap().parse().unwrap();
    let journal = "trailmark/test".parse().unwrap();
    receipt
        .verify(&entry, journal::key::LogKey::new(&journal, &[1; 32]).vkey())
        .unwrap();
}

#[tokio::test]
async fn several_events_are_one_append_and_answered_in_order() {
    let world = World::new().await;
    let events = json!([
        trail_event("one"),
        artifact_event("one", &fingerprint('a')),
        trail_event("two")
    ]);
    let reply = world.post(&world.reporter, "/v1/events", &events).await;
    assert_eq!(reply.status, 201);
    let indexes: Vec<_> = reply
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|recorded| recorded["index"].as_u64().unwrap())
        .collect();
    assert_eq!(
        indexes,
        [
            world.size().await - 3,
            world.size().await - 2,
            world.size().await - 1
        ]
    );
}

#[tokio::test]
async fn a_batch_whose_17th_event_is_bad_is_refused_whole_and_says_which() {
    let world = World::new().await;
    let before = world.size().await;
    let mut events: Vec<_> = (0..20)
        .map(|at| trail_event(&format!("run-{at}")))
        .collect();
    events[16] = json!({"kind": "trail", "flow": "payments", "trail": "../etc"});
    let reply = world
        .post(&world.reporter, "/v1/events", &json!(events))
        .await;
    insta::assert_snapshot!(reply.problem(), @"400 unexpected-form event 16: `../etc` is not a name: 1 to 64 of `A-Z a-z 0-9 . _ -`, first a letter or digit, without `..` at line 1 column 51");
    events[16] = attestation_event("nowhere", &fingerprint('a'), &json!({"text": ""}));
    let reply = world
        .post(&world.reporter, "/v1/events", &json!(events))
        .await;
    insta::assert_snapshot!(reply.problem(), @"404 not-found event 16: trail `payments/nowhere` does not exist");
    assert_eq!(world.size().await, before);
}

#[tokio::test]
async fn a_replayed_event_returns_the_first_receipt() {
    let world = World::new().await;
    let headers = [
        ("content-type", "application/json"),
        ("idempotency-key", "run 1"),
    ];
    let event = trail_event("one").to_string();
    let first = world
        .post_as(&world.reporter, "/v1/events", &headers, event.clone())
        .await;
    let size = world.size().await;
    world.event(&trail_event("another")).await;
    let again = world
        .post_as(&world.reporter, "/v1/events", &headers, event)
        .await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 200));
    let (first, mut again) = (first.json(), again.json());
    assert_eq!(again["replayed"], true);
    again["replayed"] = json!(false);
    assert_eq!(first, again);
    assert_eq!(world.size().await, size + 1);
}

#[tokio::test]
async fn an_idempotency_key_with_other_content_is_a_conflict() {
    let world = World::new().await;
    let headers = [
        ("content-type", "application/json"),
        ("idempotency-key", "run 1"),
    ];
    world
        .post_as(
            &world.reporter,
            "/v1/events",
            &headers,
            trail_event("one").to_string(),
        )
        .await;
    let reply = world
        .post_as(
            &world.reporter,
            "/v1/events",
            &headers,
            trail_event("two").to_string(),
        )
        .await;
    insta::assert_snapshot!(reply.problem(), @"409 idempotency-conflict: the idempotency key was used before with other content");
}

#[tokio::test]
async fn the_key_of_a_batch_counts_for_each_place_in_it() {
    let world = World::new().await;
    let headers = [
        ("content-type", "application/json"),
        ("idempotency-key", "run"),
    ];
    let (one, two) = (trail_event("one"), trail_event("two"));
    let first = world
        .post_as(
            &world.reporter,
            "/v1/events",
            &headers,
            json!([one, two]).to_string(),
        )
        .await;
    let size = world.size().await;
    // The second event is sent again alone, under its own key and place, with what was lost after it.
    let mut again = two.clone();
    again["idempotency_key"] = json!("run/1");
    let alone = world.post(&world.reporter, "/v1/events", &again).await;
    assert_eq!(
        alone.problem(),
        "409 idempotency-conflict: the idempotency key was used before with other content"
    );
    let headers = [
        ("content-type", "application/json"),
        ("idempotency-key", "run/1"),
    ];
    let alone = world
        .post_as(&world.reporter, "/v1/events", &headers, two.to_string())
        .await;
    assert_eq!(alone.status, 200);
    assert_eq!(alone.json()["entry"], first.json()[1]["entry"]);
    assert_eq!(world.size().await, size);
}

#[tokio::test]
async fn two_senders_do_not_share_idempotency_keys() {
    let world = World::new().await;
    let other = json!({"name": "other", "roles": ["reporter"], "grants": [{"flow": "payments"}]});
    let other = world.token(&other).await;
    let headers = [
        ("content-type", "application/json"),
        ("idempotency-key", "1"),
    ];
    for token in [&world.reporter, &other] {
        let reply = world
            .post_as(
                token,
                "/v1/events",
                &headers,
                trail_event("one").to_string(),
            )
            .await;
        assert_eq!(reply.status, 201, "{}", reply.text());
    }
}

#[tokio::test]
async fn a_past_time_is_kept_as_a_claim_and_a_future_one_is_refused() {
    let world = World::new().await;
    let mut event = trail_event("one");
    event["claimed"] = json!("2020-01-01T00:00:00+02:00");
    let entry = world.event(&event).await["entry"].clone();
    let shown = world
        .get(
            &world.reporter,
            &format!("/v1/entries/{}", entry.as_str().unwrap()),
        )
        .await
        .json();
    assert_eq!(shown["claimed"], "2019-12-31T22:00:00Z");
    for (claimed, refused) in [
        ("2026-11-19T02:35:00Z", false),
        ("2026-11-19T02:35:00.001Z", true),
        ("yesterday", true),
    ] {
        event["claimed"] = json!(claimed);
        let reply = world.post(&world.reporter, "/v1/events", &event).await;
        assert_eq!(reply.status == 400, refused, "{claimed}: {}", reply.text());
    }
    insta::assert_snapshot!(world.post(&world.reporter, "/v1/events", &event).await.problem(), @"400 invalid-value: the claimed time is not one as RFC 3339 writes it, since 1970");
}

#[tokio::test]
async fn a_write_that_failed_is_told_from_one_that_was_not_answered() {
    let world = World::new().await;
    let headers = [
        ("content-type", "application/json"),
        ("idempotency-key", "1"),
    ];
    let event = || trail_event("one").to_string();
    let size = world.size().await;
    world.faults.arm(store::memory::Fault::Lost);
    let lost = world
        .post_as(&world.reporter, "/v1/events", &headers, event())
        .await;
    insta::assert_snapshot!(lost.problem(), @"503 unavailable: the recorder could not do it at present");
    assert_eq!(
        (lost.header("retry-after"), world.size().await),
        ("1", size)
    );
    world.faults.arm(store::memory::Fault::Hidden);
    let hidden = world
        .post_as(&world.reporter, "/v1/events", &headers, event())
        .await;
    insta::assert_snapshot!(hidden.problem(), @"503 unanswered: send it again with the same idempotency key: it is not recorded twice");
    let again = world
        .post_as(&world.reporter, "/v1/events", &headers, event())
        .await;
    assert_eq!((again.status.as_u16(), world.size().await), (200, size + 1));
}
