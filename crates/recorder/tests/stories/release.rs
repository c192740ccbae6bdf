//! From commit to production: decisions, approvals, staleness, permits, exports and replays.

use crate::world::{World, artifact, fingerprint, name, policies, question, unit_tests};
use journal::verify::{Pin, open, verify};
use model::dossier::ApprovalStatus;
use model::kind::Verdict;
use policy::PolicyForm;
use recorder::*;

async fn approval_of(world: &World, byte: u8) -> Vec<(ApprovalStatus, Option<String>)> {
    let dossier = world
        .recorder
        .dossier(fingerprint(byte), None, None, name("production"))
        .await
        .unwrap();
    dossier
        .approvals
        .into_iter()
        .map(|found| (found.status, found.reason.map(|reason| reason.to_string())))
        .collect()
}

fn stale(reason: &str) -> (ApprovalStatus, Option<String>) {
    (ApprovalStatus::Stale, Some(reason.to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_policy_in_force_nothing_is_allowed() {
    let world = World::solo().await;
    world.built("one", 1, "email:alice@example.com", None).await;
    let decision = world.decide(1).await;
    assert_eq!(decision.verdict, Verdict::Denied);
    assert_eq!(
        decision.grounds.reasons(),
        ["no-policy: no policy is in force here"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_and_a_second_pair_of_eyes_allow_and_a_replay_agrees_to_the_bit() {
    let world = World::solo().await;
    world
        .bind(world.publish("unit-tested", PolicyForm::Rego).await)
        .await;
    world
        .bind(world.publish("four-eyes", PolicyForm::Component).await)
        .await;
    world.built("one", 1, "email:alice@example.com", None).await;
    assert_eq!(world.decide(1).await.verdict, Verdict::Denied);
    world.tested("one", 1, false).await;
    world.approve(&world.alice.1, 1).await;
    assert_eq!(
        approval_of(&world, 1).await,
        [stale("author-of-the-change")]
    );
    assert_eq!(world.decide(1).await.verdict, Verdict::Denied);
    world.approve(&world.bob.1, 1).await;
    let permit = Some(PermitRequest {
        audience: "deploy".into(),
        ttl_ms: None,
    });
    let decision = world
        .recorder
        .decide(
            &world.ci,
            &DecideRequest {
                permit,
                ..question(1)
            },
        )
        .await
        .unwrap();
    assert_eq!(
        decision.verdict,
        Verdict::Allowed,
        "{:?}",
        decision.grounds.reasons()
    );

    let bundle = world
        .recorder
        .export_artifact(&world.ci, &fingerprint(1), Vec::new())
        .await
        .unwrap();
    let verified = open(bundle.as_slice(), &Pin::default()).unwrap();
    let entry = decision.appended.stored.entry.hash();
    let replayed = replay(&verified, &entry, &policies()).unwrap();
    assert_eq!(replayed.unproved, []);
    assert_eq!(replayed.grounds, decision.grounds);

    let permit = decision.permit.unwrap();
    let key = verified.report().permit_key;
    let permitted = permit.check(&key, world.recorder.now_ms()).unwrap();
    assert_eq!(
        (permitted.fingerprint, permitted.decision),
        (fingerprint(1), entry)
    );
    world.clock.advance(15 * 60 * 1000);
    assert!(matches!(
        permit.check(&key, world.recorder.now_ms()),
        Err(PermitError::Expired(_))
    ));
    let other = journal::key::PermitKey::new(&[9; 32]).public();
    assert_eq!(permit.check(&other, 0), Err(PermitError::Signature));

    let whole = world
        .recorder
        .export_journal(&world.ci, Vec::new())
        .await
        .unwrap();
    assert!(verify(whole.as_slice(), &Pin::default()).unwrap().unique);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_outcome_makes_an_approval_stale_and_passing_evidence_does_not() {
    let world = World::solo().await;
    world.built("one", 1, "email:alice@example.com", None).await;
    world.approve(&world.bob.1, 1).await;
    world.tested("one", 1, false).await;
    assert_eq!(
        approval_of(&world, 1).await,
        [(ApprovalStatus::Valid, None)]
    );
    world.tested("one", 1, true).await;
    assert_eq!(approval_of(&world, 1).await, [stale("failed-outcome")]);
    world.tested("one", 1, false).await;
    assert_eq!(approval_of(&world, 1).await, [stale("failed-outcome")]);
    world.approve(&world.bob.1, 1).await;
    assert_eq!(
        approval_of(&world, 1).await,
        [stale("failed-outcome"), (ApprovalStatus::Valid, None)]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_ends_by_withdrawal_by_time_and_by_new_provenance() {
    let world = World::solo().await;
    world.built("one", 1, "email:alice@example.com", None).await;
    let given = world.approve(&world.bob.1, 1).await;
    let other = world
        .recorder
        .withdraw_approval(&world.carol.1, given)
        .await
        .unwrap_err();
    assert_eq!(other.class(), model::Class::Denied);
    world
        .recorder
        .withdraw_approval(&world.bob.1, given)
        .await
        .unwrap();
    assert_eq!(approval_of(&world, 1).await, [stale("withdrawn")]);
    world.approve(&world.carol.1, 1).await;
    world
        .record(artifact("one", 1, "email:alice@example.com", None))
        .await;
    assert_eq!(approval_of(&world, 1).await[1], stale("new-provenance"));
    world.approve(&world.carol.1, 1).await;
    world.clock.advance(7 * 24 * 60 * 60 * 1000);
    assert_eq!(approval_of(&world, 1).await[2], stale("expired"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_of_the_change_that_it_was_given_for() {
    let world = World::solo().await;
    world
        .bind(world.publish("four-eyes", PolicyForm::Component).await)
        .await;
    world.built("one", 1, "email:alice@example.com", None).await;
    world
        .built("two", 2, "email:alice@example.com", Some(fingerprint(1)))
        .await;
    world.approve(&world.bob.1, 2).await;
    assert_eq!(
        approval_of(&world, 2).await,
        [(ApprovalStatus::Valid, None)]
    );
    // Once the first is released, the second no longer brings its commits.
    world.approve(&world.bob.1, 1).await;
    assert_eq!(world.decide(1).await.verdict, Verdict::Allowed);
    assert_eq!(approval_of(&world, 2).await, [stale("change-changed")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_read_back_says_which_approvals_it_saw_and_how_they_stood_then() {
    let world = World::solo().await;
    world
        .bind(world.publish("four-eyes", PolicyForm::Component).await)
        .await;
    world.built("one", 1, "email:alice@example.com", None).await;
    world.approve(&world.alice.1, 1).await;
    world.approve(&world.bob.1, 1).await;
    let decision = world.decide(1).await.appended.stored.entry.hash();
    let expected = [
        stale(Stale::AuthorOfTheChange.as_str()),
        (ApprovalStatus::Valid, None),
    ];
    // What comes later makes the other stale, too, and one more is given.
    world.tested("one", 1, true).await;
    world.approve(&world.carol.1, 1).await;
    let said = |approvals: Vec<model::dossier::Approval>| -> Vec<_> {
        let said = approvals.into_iter();
        said.map(|found| (found.status, found.reason.map(|reason| reason.to_string())))
            .collect()
    };
    let view = world.recorder.decision_view(&decision).await.unwrap();
    assert_eq!(said(view.approvals), expected);
    let bundle = world
        .recorder
        .export_artifact(&world.ci, &fingerprint(1), Vec::new())
        .await
        .unwrap();
    let verified = open(bundle.as_slice(), &Pin::default()).unwrap();
    let past = Past::new(&verified).unwrap();
    let asked = past.find(&decision).unwrap();
    assert_eq!(said(past.approvals(asked).unwrap()), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_author_whom_nobody_registered_makes_every_approval_not_count() {
    let world = World::solo().await;
    world
        .built("one", 1, "email:stranger@example.com", None)
        .await;
    world.approve(&world.bob.1, 1).await;
    assert_eq!(approval_of(&world, 1).await, [stale("change-not-known")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn four_eyes_look_at_the_whole_change_since_the_last_release() {
    let world = World::solo().await;
    world
        .bind(world.publish("four-eyes", PolicyForm::Component).await)
        .await;
    let bob = AddAlias {
        alias: "email:bob@example.com".parse().unwrap(),
        person: world.bob.0.clone(),
    };
    world.recorder.add_alias(&world.admin, bob).await.unwrap();
    world.built("one", 1, "email:alice@example.com", None).await;
    world.approve(&world.bob.1, 1).await;
    assert_eq!(world.decide(1).await.verdict, Verdict::Allowed);
    // Bob's artifact is never released; Alice's next one brings his commit along.
    world
        .built("two", 2, "email:bob@example.com", Some(fingerprint(1)))
        .await;
    world
        .built("three", 3, "email:alice@example.com", Some(fingerprint(2)))
        .await;
    world.approve(&world.bob.1, 3).await;
    assert_eq!(
        approval_of(&world, 3).await,
        [stale("author-of-the-change")]
    );
    assert_eq!(world.decide(3).await.verdict, Verdict::Denied);
    world.approve(&world.carol.1, 3).await;
    assert_eq!(world.decide(3).await.verdict, Verdict::Allowed);
    // Released again it is the same change, not an empty one that its author could approve.
    assert_eq!(
        approval_of(&world, 3).await[0],
        stale("author-of-the-change")
    );
    assert_eq!(
        world.decide(1).await.verdict,
        Verdict::Allowed,
        "going back to what was released is no new change"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_cannot_be_followed_back_is_not_approved() {
    let world = World::solo().await;
    world
        .bind(world.publish("four-eyes", PolicyForm::Component).await)
        .await;
    world.built("one", 1, "email:alice@example.com", None).await;
    world.approve(&world.bob.1, 1).await;
    assert_eq!(world.decide(1).await.verdict, Verdict::Allowed);
    world.built("two", 2, "email:alice@example.com", None).await;
    world.approve(&world.bob.1, 2).await;
    assert_eq!(approval_of(&world, 2).await, [stale("change-not-known")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_of_another_flow_is_foreign_and_decides_nothing() {
    let world = World::solo().await;
    world
        .bind(world.publish("unit-tested", PolicyForm::Component).await)
        .await;
    let flow = DefineFlow {
        description: String::new(),
        flow: name("other"),
        required: Vec::new(),
    };
    world
        .recorder
        .define_flow(&world.admin, flow)
        .await
        .unwrap();
    world.built("one", 1, "email:alice@example.com", None).await;
    let begin = BeginTrail {
        build_url: None,
        commit: None,
        flow: name("other"),
        repository: None,
        trail: name("one"),
    };
    world.record(Event::Trail(begin)).await;
    let Event::Attestation(tests) = unit_tests("one", 1, false) else {
        unreachable!()
    };
    world
        .record(Event::Attestation(Attest {
            flow: name("other"),
            ..tests
        }))
        .await;
    assert_eq!(world.decide(1).await.verdict, Verdict::Denied);
    let dossier = world
        .recorder
        .dossier(fingerprint(1), None, None, name("production"))
        .await
        .unwrap();
    let foreign: Vec<bool> = dossier
        .attestations
        .iter()
        .map(|attestation| attestation.foreign)
        .collect();
    assert_eq!(foreign, [false, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_is_made_again_when_evidence_arrives_meanwhile() {
    let world = World::solo().await;
    world
        .bind(world.publish("unit-tested", PolicyForm::Component).await)
        .await;
    world.built("one", 1, "email:alice@example.com", None).await;
    world.tested("one", 1, false).await;
    let recorder = world.recorder.clone();
    let ci = world.ci.clone();
    let asking = tokio::spawn(async move {
        for _ in 0..20 {
            recorder.decide(&ci, &question(1)).await.unwrap();
        }
    });
    for _ in 0..20 {
        world.tested("one", 1, false).await;
    }
    asking.await.unwrap();
    let bundle = world
        .recorder
        .export_artifact(&world.ci, &fingerprint(1), Vec::new())
        .await
        .unwrap();
    let verified = open(bundle.as_slice(), &Pin::default()).unwrap();
    let decisions: Vec<_> = verified
        .entries()
        .filter(|(_, entry)| entry.header().kind.as_str() == "decision")
        .map(|(_, entry)| entry.hash())
        .collect();
    assert_eq!(decisions.len(), 20);
    for decision in decisions {
        replay(&verified, &decision, &policies()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_does_not_follow_from_the_record_is_found() {
    let world = World::solo().await;
    world
        .bind(world.publish("unit-tested", PolicyForm::Component).await)
        .await;
    world.built("one", 1, "email:alice@example.com", None).await;
    world.tested("one", 1, true).await;
    let honest = world.decide(1).await.appended.stored.entry;
    // An operator who holds the store and its keys writes what they like; the record says otherwise.
    let header = honest.header();
    let store = world.recorder.store();
    let rule = header.payload(model::Role::Rule).unwrap();
    let payload = store
        .payloads(&[rule.digest])
        .await
        .unwrap()
        .remove(0)
        .unwrap();
    let recorded: Grounds = serde_json::from_slice(&payload.bytes).unwrap();
    type Forgery = fn(&mut Grounds);
    let forgeries: [(Forgery, &str); 5] = [
        (
            |grounds| grounds.policies[0].evaluation.fuel += 1,
            "evaluation of policy `unit-tested`",
        ),
        (
            |grounds| {
                if let policy::Outcome::Verdict(verdict) =
                    &mut grounds.policies[0].evaluation.outcome
                {
                    verdict.allow = true;
                }
            },
            "evaluation of policy `unit-tested`",
        ),
        (
            |grounds| grounds.dossier = Some(model::Root([0; 32])),
            "dossier",
        ),
        (|grounds| grounds.policies.clear(), "number of policies"),
        (|grounds| grounds.position[1].entries -= 1, "position"),
    ];
    for (forge, what) in forgeries {
        let mut forged = recorded.clone();
        for place in forged.position.iter_mut().skip(1).take(2) {
            place.entries = store.head(&place.stream).await.unwrap().unwrap().seq + 1;
        }
        forge(&mut forged);
        let draft = journal::Draft {
            by: header.by.clone(),
            claimed_ms: None,
            fields: header.fields.clone(),
            kind: header.kind.clone(),
            streams: header
                .links
                .iter()
                .map(|link| link.stream.clone())
                .collect(),
            payloads: vec![model::Payload {
                role: model::Role::Rule,
                media_type: rule.media_type.clone(),
                schema: rule.schema.clone(),
                salt: [5; 32],
                bytes: model::canonical::to_vec(&forged).unwrap(),
            }],
            idempotency: None,
            expected: Vec::new(),
            large: Vec::new(),
        };
        let entry = store
            .append(vec![draft])
            .await
            .unwrap()
            .remove(0)
            .stored
            .entry
            .hash();
        let bundle = world
            .recorder
            .export_journal(&world.ci, Vec::new())
            .await
            .unwrap();
        let verified = open(bundle.as_slice(), &Pin::default()).unwrap();
        let error = replay(&verified, &entry, &policies()).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    }
}
