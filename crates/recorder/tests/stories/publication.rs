//! What comes with a policy's code: the schema of its parameters, its cases, and what became of its author's check.

use journal::verify::{Pin, open};
use model::kind::{Scope, Verdict};
use model::{EntryHash, Role};
use policy::{PolicyForm, PolicySource};
use recorder::*;
use serde_json::{Value, json};

use crate::world::{World, fingerprint, name, policies, start};

fn source() -> PolicySource {
    policy::stock::seed("unit-tested", PolicyForm::Component)
        .unwrap()
        .source()
}

fn publication() -> Publication {
    Publication {
        parameters: Some(json!({
            "type": "object",
            "required": ["tests_min"],
            "properties": {"tests_min": {"type": "integer", "minimum": 1}},
            "additionalProperties": false
        })),
        cases: Some("- name: one\n".into()),
        checked: Some(Checked {
            accepted: vec![Accepted {
                finding: "unused-rule:3".into(),
                reason: "kept for later".into(),
            }],
            cases: Some(sha256(b"- name: one\n")),
            program: "trailmark 0.1.0".into(),
        }),
        ..Publication::new(name("tested"), source())
    }
}

fn bind(policy: EntryHash, parameters: Value) -> BindPolicy {
    BindPolicy {
        advisory: false,
        from_ms: None,
        parameters,
        policy,
        scope: Scope::Everything,
    }
}

/// A policy as large as one in which an interpreter is: by a custom section (WebAssembly core 2.0, 5.5.3) that nothing reads.
fn padded(bytes: usize) -> PolicySource {
    let mut code = source().bytes().to_vec();
    let section = [b"\x07padding".as_slice(), &vec![0x5a; bytes]].concat();
    code.push(0);
    let mut size = section.len();
    while size > 0x7f {
        code.push(u8::try_from(size & 0x7f).unwrap() | 0x80);
        size >>= 7;
    }
    code.push(u8::try_from(size).unwrap());
    PolicySource::Component([code, section].concat().into())
}

/// Changes a byte of a payload in a bundle.
fn damaged(bundle: &[u8], payload: &str) -> Vec<u8> {
    let line = format!("p {payload} ");
    let text = std::str::from_utf8(bundle).unwrap();
    let at = text.find(&line).unwrap() + line.len() + 64 + 1 + 1_000;
    let mut bundle = bundle.to_vec();
    bundle[at] = if bundle[at] == b'A' { b'B' } else { b'A' };
    bundle
}

type Change = fn(&mut Publication);

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_with_a_policy_is_read_back_also_after_a_restart() {
    let world = World::solo().await;
    let entry = world
        .recorder
        .publish(&world.admin, publication())
        .await
        .unwrap();
    let again = start(&world.store, &world.clock, Sharing::Alone, 2, policies()).await;
    for recorder in [&world.recorder, &again] {
        let found = recorder.published_policy(&entry).await.unwrap();
        let (found, expected) = (found.publication, publication());
        assert_eq!(found.source, expected.source);
        assert_eq!(found.parameters, expected.parameters);
        assert_eq!(found.cases, expected.cases);
        assert_eq!(found.checked, expected.checked);
    }
    let none = world.recorder.published_policy(&EntryHash([1; 32])).await;
    assert!(matches!(none, Err(RecorderError::Unknown { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_as_large_as_an_interpreter_is_one_in_all_its_parts() {
    for (bytes, parts) in [(9_000_000, 3), (18_000_000, 5)] {
        let world = World::solo().await;
        let source = padded(bytes);
        let published = Publication {
            source: source.clone(),
            ..publication()
        };
        let policy = world.recorder.publish(&world.admin, published);
        let policy = policy.await.unwrap();
        let entry = world.store.entry(&policy).await.unwrap().unwrap().entry;
        let header = entry.header();
        let rules = header.payloads.iter();
        let code =
            rules.filter(|one| one.role == Role::Rule && one.media_type == "application/wasm");
        let code: Vec<_> = code.map(|one| one.digest.to_string()).collect();
        assert_eq!((code.len(), header.payloads.len()), (parts, parts + 3));
        let bind = bind(policy, json!({"tests_min": 1}));
        world
            .recorder
            .bind_policy(&world.admin, bind)
            .await
            .unwrap();
        world.built("one", 1, "email:alice@example.com", None).await;
        assert_eq!(world.decide(1).await.verdict, Verdict::Denied);
        world.tested("one", 1, false).await;
        let decision = world.decide(1).await;
        assert_eq!(decision.verdict, Verdict::Allowed);

        let again = start(&world.store, &world.clock, Sharing::Alone, 2, policies()).await;
        let found = again.published_policy(&policy).await.unwrap().publication;
        assert_eq!(found.source, source);
        assert_eq!(found.checked, publication().checked);
        let question = crate::world::question(1);
        let decided = again.decide(&world.ci, &question).await.unwrap();
        assert_eq!(decided.grounds.policies, decision.grounds.policies);

        let artifact = fingerprint(1);
        let bundle = again.export_artifact(&world.ci, &artifact, Vec::new());
        let bundle = bundle.await.unwrap();
        let verified = open(bundle.as_slice(), &Pin::default()).unwrap();
        let decision = decision.appended.stored.entry.hash();
        let replayed = replay(&verified, &decision, &policies()).unwrap();
        assert_eq!(replayed.unproved, []);
        for part in &code {
            let damaged = damaged(&bundle, part);
            assert!(open(damaged.as_slice(), &Pin::default()).is_err());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_is_published_once_and_with_something_else_beside_it_anew() {
    let world = World::solo().await;
    let publish = async |publication| {
        world
            .recorder
            .publish(&world.admin, publication)
            .await
            .unwrap()
    };
    let first = publish(publication()).await;
    assert_eq!(publish(publication()).await, first);
    let others: [fn(&mut Publication); 4] = [
        |other| other.checked = None,
        |other| other.parameters = None,
        |other| {
            other.cases = None;
            other.checked = None;
        },
        |other| *other = Publication::new(other.name.clone(), other.source.clone()),
    ];
    for (at, change) in others.into_iter().enumerate() {
        let mut other = publication();
        change(&mut other);
        assert_ne!(publish(other).await, first, "{at}");
    }
    assert_eq!(world.recorder.definitions().policies().count(), 5);
    let unchecked = world.recorder.definitions();
    let unchecked = unchecked
        .policies()
        .filter(|(_, policy)| policy.checked.is_none());
    assert_eq!(unchecked.count(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_publish_the_same_at_once_publish_it_once() {
    let world = World::shared(|store| store).await;
    let other = world.another().await;
    let (one, two) = tokio::join!(
        world.recorder.publish(&world.admin, publication()),
        other.publish(&world.admin, publication())
    );
    assert_eq!(one.unwrap(), two.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_beside_the_code_is_not_published() {
    let world = World::solo().await;
    let wrong: [(Change, &str); 6] = [
        (
            |wrong| wrong.parameters = Some(json!({"$ref": "https://example.com/schema"})),
            "refers to `https://example.com/schema`",
        ),
        (
            |wrong| wrong.cases = Some("x".repeat(1024 * 1024 + 1)),
            "cases have at most",
        ),
        (
            |wrong| wrong.cases = None,
            "not those that the policy was checked with",
        ),
        (
            |wrong| wrong.checked.as_mut().unwrap().program = "a\nb".into(),
            "`program`",
        ),
        (
            |wrong| wrong.checked.as_mut().unwrap().accepted[0].reason = String::new(),
            "with a reason",
        ),
        (
            |wrong| {
                let accepted = &mut wrong.checked.as_mut().unwrap().accepted;
                *accepted = vec![accepted[0].clone(); 65];
            },
            "at most `64` findings",
        ),
    ];
    for (change, what) in wrong {
        let mut publication = publication();
        change(&mut publication);
        let error = world
            .recorder
            .publish(&world.admin, publication)
            .await
            .unwrap_err();
        assert!(
            error.to_string().contains(what),
            "`{what}` is not in `{error}`"
        );
        assert_eq!(error.class(), model::Class::Caller);
    }
    assert_eq!(world.recorder.definitions().policies().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_bound_fits_the_policys_schema() {
    let world = World::solo().await;
    let policy = world
        .recorder
        .publish(&world.admin, publication())
        .await
        .unwrap();
    for (parameters, pointer) in [
        (Value::Null, "`#`"),
        (json!({}), "`#`"),
        (json!({"tests_min": "ten"}), "`#/tests_min`"),
        (json!({"tests_min": 0}), "`#/tests_min`"),
        (json!({"tests_min": 1, "test_min": 1}), "`#`"),
    ] {
        let refused = world
            .recorder
            .bind_policy(&world.admin, bind(policy, parameters.clone()));
        let refused = refused.await.unwrap_err();
        assert!(
            refused.to_string().contains(pointer),
            "{parameters}: {refused}"
        );
    }
    assert_eq!(world.recorder.definitions().bindings().len(), 0);
    let fits = world
        .recorder
        .bind_policy(&world.admin, bind(policy, json!({"tests_min": 1})));
    fits.await.unwrap();
    // Where there is no schema, any object does.
    let free = world.publish("unit-tested", PolicyForm::Component).await;
    let fits = world
        .recorder
        .bind_policy(&world.admin, bind(free, json!({"tests_min": "ten"})));
    fits.await.unwrap();
    let none = world
        .recorder
        .bind_policy(&world.admin, bind(EntryHash([1; 32]), Value::Null));
    assert!(matches!(none.await, Err(RecorderError::Unknown { .. })));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_binding_counts_from_its_date_on() {
    let world = World::solo().await;
    world.built("one", 1, "email:alice@example.com", None).await;
    world.tested("one", 1, false).await;
    let policy = world.publish("unit-tested", PolicyForm::Component).await;
    let later = BindPolicy {
        from_ms: Some(world.recorder.now_ms() + 60_000),
        ..bind(policy, Value::Null)
    };
    world
        .recorder
        .bind_policy(&world.admin, later)
        .await
        .unwrap();
    world.clock.advance(59_999);
    let early = world.decide(1).await;
    assert_eq!(
        early.grounds.reasons(),
        ["no-policy: no policy is in force here"]
    );
    world.clock.advance(1);
    assert_eq!(world.decide(1).await.verdict, model::kind::Verdict::Allowed);
}
