//! Exceptions: who may grant them, what they let pass, and what of them a decision shows.

use journal::verify::{Pin, open};
use model::kind::{AccessRole, ExceptionScope, Verdict};
use model::limits::EXCEPTION_TTL_MS_MAX;
use model::{EntryHash, StreamName};
use policy::{PolicyForm, PolicySource};
use recorder::*;

use crate::world::{World, fingerprint, key, name, policies, question, start};

const HOUR_MS: u64 = 60 * 60 * 1000;

/// A journal in which an artifact of Alice's was built, with a failed test, and unit tests are demanded.
async fn world(solo: bool) -> (World, EntryHash) {
    let world = World::new(solo).await;
    let policy = world.publish("unit-tested", PolicyForm::Component).await;
    let binding = bound(&world, policy).await;
    world.built("one", 1, "email:alice@example.com", None).await;
    world.tested("one", 1, true).await;
    (world, binding)
}

async fn bound(world: &World, policy: EntryHash) -> EntryHash {
    let bind = BindPolicy {
        advisory: false,
        from_ms: None,
        parameters: serde_json::Value::Null,
        policy,
        scope: model::kind::Scope::Everything,
    };
    let bound = world.recorder.bind_policy(&world.carol.1, bind).await;
    let entry = bound.unwrap().stored.entry.hash();
    if !world.recorder.definitions().solo {
        world.recorder.endorse(&world.bob.1, entry).await.unwrap();
    }
    entry
}

fn grant(world: &World, binding: EntryHash) -> GrantException {
    GrantException {
        binding,
        control: None,
        environment: name("production"),
        expires_ms: world.recorder.now_ms() + HOUR_MS,
        reason: "the test cluster is down".into(),
        scope: ExceptionScope::Artifact(fingerprint(1)),
    }
}

async fn granted(world: &World, by: &Caller, grant: GrantException) -> EntryHash {
    let granted = world.recorder.grant_exception(by, grant).await.unwrap();
    granted.stored.entry.hash()
}

/// Says what every decision of the journal comes to when it is made again.
async fn replayed(world: &World) -> Vec<Result<Replayed, ReplayError>> {
    let bundle = world.recorder.export_journal(&world.ci, Vec::new()).await;
    let verified = open(bundle.unwrap().as_slice(), &Pin::default()).unwrap();
    let decisions = verified
        .entries()
        .filter(|(_, entry)| entry.header().kind.as_str() == "decision");
    decisions
        .map(|(_, entry)| replay(&verified, &entry.hash(), &policies()))
        .collect()
}

type Change = fn(&mut GrantException);

#[tokio::test(flavor = "multi_thread")]
async fn an_exception_lets_an_artifact_pass_and_the_policys_own_verdict_stays() {
    let (world, binding) = world(true).await;
    assert_eq!(world.decide(1).await.verdict, Verdict::Denied);
    let exception = granted(&world, &world.bob.1, grant(&world, binding)).await;
    let permit = PermitRequest {
        audience: "deploy".into(),
        ttl_ms: None,
    };
    let asked = DecideRequest {
        permit: Some(permit),
        ..question(1)
    };
    let decision = world.recorder.decide(&world.ci, &asked).await.unwrap();
    assert_eq!(decision.verdict, Verdict::Allowed);
    let judged = &decision.grounds.policies[0];
    assert!(!judged.evaluation.allows() && judged.is_excepted());
    let shown = &judged.exceptions[0];
    assert_eq!(
        (shown.entry, &shown.by, &shown.stale),
        (exception, &world.bob.0, &None)
    );
    assert_eq!(shown.reason, "the test cluster is down");
    let lines = decision.grounds.exceptions().join("\n");
    for said in [
        "unit-tested: passes by exception",
        "2026",
        world.bob.0.as_str(),
        &shown.reason,
    ] {
        assert!(lines.contains(said), "`{said}` is not in `{lines}`");
    }
    let header = decision.appended.stored.entry.header().fields.get();
    assert!(header.contains(r#""exceptions":1"#), "{header}");
    let bundle = world.recorder.export_journal(&world.ci, Vec::new()).await;
    let verified = open(bundle.unwrap().as_slice(), &Pin::default()).unwrap();
    let key = verified.report().permit_key;
    let permitted = decision
        .permit
        .unwrap()
        .check(&key, world.recorder.now_ms());
    assert_eq!(permitted.unwrap().exceptions, [exception]);
    for replayed in replayed(&world).await {
        replayed.unwrap();
    }
    // It is there after a restart, and for others who record in the same journal.
    let again = start(&world.store, &world.clock, Sharing::Alone, 2, policies()).await;
    let decision = again.decide(&world.ci, &question(1)).await.unwrap();
    assert_eq!(decision.verdict, Verdict::Allowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exception_of_who_took_part_in_the_change_does_not_count() {
    for (giver_is_author, second_is_author) in [(true, false), (false, true)] {
        let (world, binding) = world(false).await;
        let pick = |author: bool, other| if author { &world.alice.1 } else { other };
        let giver = pick(giver_is_author, &world.bob.1);
        let exception = granted(&world, giver, grant(&world, binding)).await;
        let second = pick(second_is_author, &world.carol.1);
        world.recorder.endorse(second, exception).await.unwrap();
        let decision = world.decide(1).await;
        assert_eq!(decision.verdict, Verdict::Denied);
        let shown = &decision.grounds.policies[0].exceptions[0];
        assert_eq!(
            shown.stale.as_ref().unwrap().as_str(),
            "author-of-the-change"
        );
        assert!(decision.grounds.exceptions()[0].contains("does not count"));
        for replayed in replayed(&world).await {
            replayed.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_recorded_the_artifact_grants_no_exception_from_it() {
    let (world, binding) = world(true).await;
    let roles = [AccessRole::Reporter, AccessRole::PolicyAuthor];
    let builder = key(
        &world.recorder,
        &world.admin,
        Some(world.bob.0.clone()),
        &roles,
    )
    .await;
    let event = crate::world::artifact("one", 1, "email:alice@example.com", None);
    let submission = Submission {
        event,
        claimed_ms: None,
        idempotency: None,
    };
    let recorded = world.recorder.record(&builder, vec![submission]).await;
    recorded.unwrap();
    granted(&world, &world.bob.1, grant(&world, binding)).await;
    assert_eq!(world.decide(1).await.verdict, Verdict::Denied);
    granted(&world, &world.carol.1, grant(&world, binding)).await;
    assert_eq!(world.decide(1).await.verdict, Verdict::Allowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_authors_are_not_known_no_exception_counts() {
    let world = World::solo().await;
    let policy = world.publish("unit-tested", PolicyForm::Component).await;
    let binding = bound(&world, policy).await;
    world
        .built("one", 1, "email:mallory@example.com", None)
        .await;
    granted(&world, &world.bob.1, grant(&world, binding)).await;
    let decision = world.decide(1).await;
    let shown = &decision.grounds.policies[0].exceptions[0];
    assert_eq!(shown.stale.as_ref().unwrap().as_str(), "change-not-known");
    assert_eq!(decision.verdict, Verdict::Denied);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_solo_an_exception_waits_for_a_second_person() {
    let (world, binding) = world(false).await;
    let machine = world
        .recorder
        .grant_exception(&world.admin, grant(&world, binding));
    assert!(matches!(machine.await, Err(RecorderError::PersonRequired)));
    let exception = granted(&world, &world.bob.1, grant(&world, binding)).await;
    let waiting = world.decide(1).await;
    assert_eq!(waiting.verdict, Verdict::Denied);
    assert_eq!(waiting.grounds.policies[0].exceptions, []);
    assert!(
        world
            .recorder
            .endorse(&world.bob.1, exception)
            .await
            .is_err()
    );
    world
        .recorder
        .endorse(&world.carol.1, exception)
        .await
        .unwrap();
    let decision = world.decide(1).await;
    assert_eq!(decision.verdict, Verdict::Allowed);
    let shown = &decision.grounds.policies[0].exceptions[0];
    assert_eq!(shown.endorsed_by.as_ref(), Some(&world.carol.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exception_that_is_over_does_nothing() {
    let (world, binding) = world(true).await;
    let first = granted(&world, &world.bob.1, grant(&world, binding)).await;
    assert_eq!(world.decide(1).await.verdict, Verdict::Allowed);
    let withdrawn =
        world
            .recorder
            .withdraw_exception(&world.alice.1, first, "the cluster is back".into());
    withdrawn.await.unwrap();
    let decision = world.decide(1).await;
    assert_eq!(decision.verdict, Verdict::Denied);
    assert_eq!(decision.grounds.exceptions(), [""; 0]);
    let again = world
        .recorder
        .withdraw_exception(&world.bob.1, first, "twice".into());
    assert!(matches!(again.await, Err(RecorderError::Unknown { .. })));

    granted(&world, &world.bob.1, grant(&world, binding)).await;
    world.clock.advance(HOUR_MS - 1);
    assert_eq!(world.decide(1).await.verdict, Verdict::Allowed);
    world.clock.advance(1);
    let decision = world.decide(1).await;
    assert_eq!(decision.verdict, Verdict::Denied);
    assert_eq!(decision.grounds.policies[0].exceptions, []);
    for replayed in replayed(&world).await {
        replayed.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exception_is_for_what_it_names_and_nothing_else() {
    let (world, binding) = world(true).await;
    let control = || Some(name("unit-tested"));
    let cases: [(Change, bool); 5] = [
        (
            |grant| grant.scope = ExceptionScope::Flow(name("payments")),
            true,
        ),
        (
            |grant| grant.control = Some(name("integration-tested")),
            false,
        ),
        (|grant| grant.environment = name("staging"), false),
        (
            |grant| grant.scope = ExceptionScope::Artifact(fingerprint(2)),
            false,
        ),
        (
            |grant| grant.scope = ExceptionScope::Flow(name("billing")),
            false,
        ),
    ];
    let staging = DefineEnvironment {
        description: String::new(),
        environment: name("staging"),
    };
    world
        .recorder
        .define_environment(&world.admin, staging)
        .await
        .unwrap();
    let billing = DefineFlow {
        description: String::new(),
        flow: name("billing"),
        required: Vec::new(),
    };
    world
        .recorder
        .define_flow(&world.admin, billing)
        .await
        .unwrap();
    world.built("two", 2, "email:alice@example.com", None).await;
    for (change, passes) in cases {
        let mut granting = grant(&world, binding);
        change(&mut granting);
        let said = format!("{granting:?}");
        let exception = granted(&world, &world.bob.1, granting).await;
        let allowed = world.decide(1).await.verdict == Verdict::Allowed;
        assert_eq!(allowed, passes, "{said}");
        let over = world
            .recorder
            .withdraw_exception(&world.bob.1, exception, "over".into());
        over.await.unwrap();
    }
    let granting = GrantException {
        control: control(),
        ..grant(&world, binding)
    };
    granted(&world, &world.bob.1, granting).await;
    assert_eq!(world.decide(1).await.verdict, Verdict::Allowed);

    // Another binding of the same policy still denies.
    let policy = world.recorder.definitions().bindings()[0].bound.policy;
    world.bind(policy).await;
    assert_eq!(world.decide(1).await.verdict, Verdict::Denied);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_failed_control_must_be_excepted() {
    let world = World::solo().await;
    let rego = "package two\nimport rego.v1\ndefault allow := false\nfindings contains {\"control\": c, \"status\": \"failed\", \"reason\": \"because\", \"entries\": []} if some c in [\"one\", \"two\"]\n";
    let policy = world
        .publish_source("two", PolicySource::Rego(rego.into()))
        .await;
    let binding = bound(&world, policy).await;
    world.built("one", 1, "email:alice@example.com", None).await;
    let of = |control| GrantException {
        control: Some(name(control)),
        ..grant(&world, binding)
    };
    granted(&world, &world.bob.1, of("one")).await;
    let decision = world.decide(1).await;
    assert_eq!(decision.verdict, Verdict::Denied);
    assert!(decision.grounds.exceptions()[0].contains("not enough"));
    granted(&world, &world.bob.1, of("two")).await;
    let decision = world.decide(1).await;
    assert_eq!(
        (decision.verdict, decision.grounds.exceptions_used()),
        (Verdict::Allowed, 2)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_gives_no_verdict_is_not_excepted() {
    let world = World::solo().await;
    let rego =
        "package broken\nimport rego.v1\ndefault allow := false\nfindings := input.nowhere\n";
    let policy = world
        .publish_source("broken", PolicySource::Rego(rego.into()))
        .await;
    let binding = bound(&world, policy).await;
    world.built("one", 1, "email:alice@example.com", None).await;
    granted(&world, &world.bob.1, grant(&world, binding)).await;
    let decision = world.decide(1).await;
    assert_eq!(decision.verdict, Verdict::Denied);
    assert_eq!(decision.grounds.reasons(), ["broken: undefined-rule"]);
    assert_eq!(decision.grounds.exceptions(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exception_names_what_exists_and_ends() {
    let (world, binding) = world(true).await;
    let wrong: [(Change, &str); 8] = [
        (|grant| grant.reason = " ".into(), "has a reason"),
        (|grant| grant.reason = "x".repeat(513), "`reason`"),
        (|grant| grant.expires_ms -= HOUR_MS, "ends in the future"),
        (|grant| grant.expires_ms += EXCEPTION_TTL_MS_MAX, "at most"),
        (
            |grant| grant.environment = name("moon"),
            "environment `moon`",
        ),
        (
            |grant| grant.scope = ExceptionScope::Flow(name("none")),
            "flow `none`",
        ),
        (
            |grant| grant.scope = ExceptionScope::Artifact(fingerprint(9)),
            "artifact",
        ),
        (|grant| grant.binding = EntryHash([9; 32]), "binding"),
    ];
    for (change, what) in wrong {
        let mut granting = grant(&world, binding);
        change(&mut granting);
        let error = world.recorder.grant_exception(&world.bob.1, granting).await;
        let error = error.unwrap_err().to_string();
        assert!(error.contains(what), "`{what}` is not in `{error}`");
    }
    let reporter = world
        .recorder
        .grant_exception(&world.ci, grant(&world, binding));
    assert!(matches!(reporter.await, Err(RecorderError::RoleMissing(_))));
    for _ in 0..EXCEPTIONS_MAX {
        granted(&world, &world.bob.1, grant(&world, binding)).await;
    }
    let more = world
        .recorder
        .grant_exception(&world.bob.1, grant(&world, binding))
        .await;
    assert!(more.unwrap_err().to_string().contains("already"));
    let decision = world.decide(1).await;
    assert_eq!(decision.grounds.exceptions_used(), EXCEPTIONS_MAX as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_endorse_at_once_and_two_who_withdraw_at_once_are_one() {
    let (world, binding) = world(false).await;
    let exception = granted(&world, &world.bob.1, grant(&world, binding)).await;
    let (one, two) = tokio::join!(
        world.recorder.endorse(&world.alice.1, exception),
        world.recorder.endorse(&world.carol.1, exception)
    );
    assert!(
        one.is_ok() != two.is_ok(),
        "the second has nothing to endorse"
    );
    let withdraw = |who| {
        world
            .recorder
            .withdraw_exception(who, exception, "over".into())
    };
    let (one, two) = tokio::join!(withdraw(&world.alice.1), withdraw(&world.carol.1));
    assert!(
        one.is_ok() != two.is_ok(),
        "the second has nothing to withdraw"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn where_several_record_an_exception_counts_a_minute_later_and_as_long_after_its_end() {
    let world = World::shared(|store| store).await;
    let other = world.another().await;
    let policy = world.publish("unit-tested", PolicyForm::Component).await;
    let binding = world.bind(policy).await;
    world.built("one", 1, "email:alice@example.com", None).await;
    world.clock.advance(60_000);
    let exception = granted(&world, &world.bob.1, grant(&world, binding)).await;
    let verdict = async |recorder: &Recorder| {
        let decision = recorder.decide(&world.ci, &question(1)).await;
        decision.unwrap().verdict
    };
    for (wait_ms, expected) in [(59_999, Verdict::Denied), (1, Verdict::Allowed)] {
        world.clock.advance(wait_ms);
        assert_eq!(verdict(&world.recorder).await, expected);
        assert_eq!(verdict(&other).await, expected);
    }
    let over = other.withdraw_exception(&world.bob.1, exception, "over".into());
    over.await.unwrap();
    for (wait_ms, expected) in [(59_999, Verdict::Allowed), (1, Verdict::Denied)] {
        world.clock.advance(wait_ms);
        assert_eq!(verdict(&world.recorder).await, expected);
        assert_eq!(verdict(&other).await, expected);
    }
    for replayed in replayed(&world).await {
        replayed.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exception_left_out_or_added_fails_replay() {
    let (world, binding) = world(true).await;
    let before = world.decide(1).await;
    granted(&world, &world.bob.1, grant(&world, binding)).await;
    let honest = world.decide(1).await;
    let admin = StreamName::admin();
    // Who holds the store writes a decision in which the exception is not what it was.
    type Forgery = fn(&mut Grounds, &Grounds);
    let forgeries: [(Forgery, Verdict, u64, &str); 4] = [
        (
            |grounds, _| grounds.policies[0].exceptions.clear(),
            Verdict::Denied,
            0,
            "exceptions from policy `unit-tested`",
        ),
        (
            |grounds, _| grounds.policies[0].exceptions[0].reason = "other".into(),
            Verdict::Allowed,
            1,
            "exceptions from policy `unit-tested`",
        ),
        (|_, _| {}, Verdict::Allowed, 2, "number of exceptions"),
        (
            |grounds, honest| {
                grounds.position[0].entries -= 1;
                assert_eq!(honest.position[0].stream, StreamName::admin());
            },
            Verdict::Allowed,
            1,
            "exceptions from policy `unit-tested`",
        ),
    ];
    assert_eq!(before.grounds.position[0].stream, admin);
    for (forge, verdict, used, what) in forgeries {
        let mut forged = honest.grounds.clone();
        let head = |stream: StreamName| {
            let store = &world.store;
            async move {
                store
                    .head(&stream)
                    .await
                    .unwrap()
                    .map_or(0, |head| head.seq + 1)
            }
        };
        for place in forged.position.iter_mut().skip(1) {
            place.entries = head(place.stream.clone()).await;
        }
        forge(&mut forged, &honest.grounds);
        let entry = crate::world::forged(&world, &honest, &forged, verdict, used).await;
        let bundle = world.recorder.export_journal(&world.ci, Vec::new()).await;
        let verified = open(bundle.unwrap().as_slice(), &Pin::default()).unwrap();
        let error = replay(&verified, &entry, &policies()).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    }
}
