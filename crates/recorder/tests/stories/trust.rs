//! Signed policies: what runs where only signed policies may, and who may say so.

use journal::verify::{Pin, VerifiedBundle, open};
use model::kind::{AccessRole, PolicySigned, Scope, Verdict};
use model::limits::{SIGNATURES_MAX, TRUSTED_KEYS_MAX};
use model::{EntryHash, Fingerprint, Role, StreamName};
use policy::{Denial, Outcome, PolicyForm};
use recorder::*;
use serde_json::{Value, json};

use crate::world::{World, forged, key, name, policies, question, start_with};

const HOUR_MS: u64 = 60 * 60 * 1000;

fn ed25519() -> PolicySigner {
    PolicySigner::from_pem(concat!(
        "-----BEGIN ",
        "PRIVATE KEY-----\n",
        include_str!("../keys/ed25519.base64"),
        "-----END ",
        "PRIVATE KEY-----\n"
    ))
    .unwrap()
}

fn p256() -> PolicySigner {
    PolicySigner::from_pem(concat!(
        "-----BEGIN ",
        "PRIVATE KEY-----\n",
        include_str!("../keys/p256.base64"),
        "-----END ",
        "PRIVATE KEY-----\n"
    ))
    .unwrap()
}

fn trusted(key: &PolicyKey) -> KeyToTrust {
    KeyToTrust {
        expires_ms: None,
        key: key.clone(),
    }
}

fn only(signers: &[&PolicySigner]) -> TrustPolicyKeys {
    TrustPolicyKeys {
        keys: Some(
            signers
                .iter()
                .map(|signer| trusted(signer.public()))
                .collect(),
        ),
        reason: "policies are reviewed".into(),
    }
}

fn lifted() -> TrustPolicyKeys {
    TrustPolicyKeys {
        keys: None,
        reason: "no longer".into(),
    }
}

/// A journal in which a tested artifact waits, and unit tests are demanded of it.
async fn world(solo: bool) -> (World, EntryHash, EntryHash) {
    let world = World::new(solo).await;
    let policy = world.publish("unit-tested", PolicyForm::Rego).await;
    let binding = bind(&world, policy, false).await;
    world.built("one", 1, "email:alice@example.com", None).await;
    world.tested("one", 1, false).await;
    (world, policy, binding)
}

async fn bind(world: &World, policy: EntryHash, advisory: bool) -> EntryHash {
    let bind = BindPolicy {
        advisory,
        from_ms: None,
        parameters: Value::Null,
        policy,
        scope: Scope::Everything,
    };
    let bound = world.recorder.bind_policy(&world.carol.1, bind).await;
    let entry = bound.unwrap().stored.entry.hash();
    if !world.recorder.definitions().solo {
        world.recorder.endorse(&world.bob.1, entry).await.unwrap();
    }
    entry
}

async fn trust(world: &World, by: &Caller, trust: TrustPolicyKeys) -> EntryHash {
    let recorded = world.recorder.trust_policy_keys(by, trust).await;
    recorded.unwrap().stored.entry.hash()
}

fn signed(world: &World, policy: &EntryHash) -> PolicySigned {
    world
        .recorder
        .definitions()
        .policy(policy)
        .unwrap()
        .signed()
}

async fn sign_by(world: &World, policy: &EntryHash, signer: &PolicySigner) -> EntryHash {
    let bundle = sign(&signed(world, policy), signer).unwrap();
    let recorded = world
        .recorder
        .sign_policy(&world.bob.1, policy, bundle)
        .await;
    recorded.unwrap()
}

/// Moves a decision behind the one that it is made of, which is in the streams of its artifact and trail, and, where it
/// allowed, in a third.
fn later(grounds: &mut Grounds, allowed: u64) {
    let by = [0, 1, 1, allowed];
    for (place, by) in grounds.position.iter_mut().zip(by) {
        place.entries += by;
    }
}

fn not_signed(decision: &Decision) -> bool {
    let denied = Outcome::Denied(Denial::NotSigned);
    let judged = &decision.grounds.policies[0];
    judged.evaluation.outcome == denied && judged.evaluation.fuel == 0
}

async fn bundle(world: &World) -> VerifiedBundle {
    let bundle = world.recorder.export_journal(&world.ci, Vec::new()).await;
    open(bundle.unwrap().as_slice(), &Pin::default()).unwrap()
}

/// Makes every decision and trial again, from the whole journal and from what is exported of the artifact alone.
async fn all_replay(world: &World) -> usize {
    let artifact = world
        .recorder
        .export_artifact(&world.ci, &Fingerprint([1; 32]), Vec::new())
        .await;
    let artifact = open(artifact.unwrap().as_slice(), &Pin::default()).unwrap();
    for bundle in [&bundle(world).await, &artifact] {
        let past = Past::new(bundle).unwrap();
        for asked in past.asked() {
            past.replay(asked, &policies()).unwrap();
        }
    }
    Past::new(&artifact).unwrap().asked().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_runs_only_when_a_trusted_key_signed_it() {
    let (world, policy, _) = world(true).await;
    assert_eq!(world.decide(1).await.verdict, Verdict::Allowed);
    trust(&world, &world.admin, only(&[&ed25519()])).await;
    let decision = world.decide(1).await;
    assert_eq!(decision.verdict, Verdict::Denied);
    assert!(not_signed(&decision));
    assert_eq!(
        decision.grounds.reasons(),
        ["unit-tested: policy-not-signed"]
    );
    // Somebody else's signature changes nothing, and is shown as nobody's.
    sign_by(&world, &policy, &p256()).await;
    assert!(not_signed(&world.decide(1).await));
    let found = world.recorder.signatures(&policy).await.unwrap();
    assert_eq!(found[0].by, []);
    assert_eq!(found[0].hint, Some(p256().public().hint()));
    let entry = sign_by(&world, &policy, &ed25519()).await;
    let decision = world.decide(1).await;
    assert_eq!(decision.verdict, Verdict::Allowed);
    assert!(decision.grounds.policies[0].evaluation.fuel > 0);
    let found = world.recorder.signatures(&policy).await.unwrap();
    assert_eq!(
        (found[1].signed.entry, found[1].by.as_slice()),
        (entry, &[ed25519().public().clone()][..])
    );
    // The same bundle is on record once, though ECDSA signs differently each time.
    assert_eq!(sign_by(&world, &policy, &ed25519()).await, entry);
    trust(&world, &world.admin, only(&[])).await;
    assert!(
        not_signed(&world.decide(1).await),
        "with no key nothing runs"
    );
    trust(&world, &world.admin, lifted()).await;
    assert_eq!(world.decide(1).await.verdict, Verdict::Allowed);
    assert_eq!(all_replay(&world).await, 6);
    // It is so after a restart.
    trust(&world, &world.admin, only(&[&p256(), &ed25519()])).await;
    let again = start_with(&world.store, &world.clock, Vec::new()).await;
    let decision = again.decide(&world.ci, &question(1)).await.unwrap();
    assert_eq!(decision.verdict, Verdict::Allowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_is_of_code_name_and_schema_whoever_publishes_them_again() {
    let (world, policy, _) = world(true).await;
    trust(&world, &world.admin, only(&[&p256()])).await;
    sign_by(&world, &policy, &p256()).await;
    let source = policy::stock::seed("unit-tested", PolicyForm::Rego)
        .unwrap()
        .source();
    let again = |change: fn(&mut Publication)| {
        let mut publication = Publication::new(name("unit-tested"), source.clone());
        change(&mut publication);
        world.recorder.publish(&world.bob.1, publication)
    };
    let with_cases = again(|publication| publication.cases = Some("[]\n".into()))
        .await
        .unwrap();
    let renamed = again(|publication| publication.name = name("other"))
        .await
        .unwrap();
    let schema =
        |publication: &mut Publication| publication.parameters = Some(json!({"type": "object"}));
    let with_schema = again(schema).await.unwrap();
    for (entry, signatures) in [(with_cases, 1), (renamed, 0), (with_schema, 0)] {
        assert_eq!(
            world.recorder.signatures(&entry).await.unwrap().len(),
            signatures
        );
        let bundle = sign(&signed(&world, &policy), &p256()).unwrap();
        let recorded = world
            .recorder
            .sign_policy(&world.bob.1, &entry, bundle)
            .await;
        assert_eq!(recorded.is_ok(), signatures == 1);
    }
    let allowed = world.decide(1).await;
    assert_eq!(allowed.verdict, Verdict::Allowed);
    bind(&world, with_schema, false).await;
    let decision = world.decide(1).await;
    assert_eq!(decision.verdict, Verdict::Denied);
    let outcomes: Vec<_> = decision
        .grounds
        .policies
        .iter()
        .map(|judged| &judged.evaluation.outcome)
        .collect();
    assert!(matches!(outcomes[0], Outcome::Verdict(verdict) if verdict.allow));
    assert_eq!(*outcomes[1], Outcome::Denied(Denial::NotSigned));
    assert_eq!(all_replay(&world).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_ends_to_count_at_its_time() {
    let (world, policy, _) = world(true).await;
    sign_by(&world, &policy, &ed25519()).await;
    let expires_ms = world.recorder.now_ms() + HOUR_MS;
    let mut keys = only(&[&ed25519()]);
    keys.keys.as_mut().unwrap()[0].expires_ms = Some(expires_ms);
    trust(&world, &world.admin, keys).await;
    world.clock.advance(HOUR_MS - 1);
    assert_eq!(world.decide(1).await.verdict, Verdict::Allowed);
    world.clock.advance(1);
    assert!(not_signed(&world.decide(1).await));
    assert_eq!(world.recorder.signatures(&policy).await.unwrap()[0].by, []);
    assert_eq!(all_replay(&world).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_exception_covers_it_and_an_advisory_policy_needs_no_signature_to_be_passed() {
    let (world, policy, binding) = world(true).await;
    let advisory = world.publish("unit-tested", PolicyForm::Component).await;
    bind(&world, advisory, true).await;
    trust(&world, &world.admin, only(&[&ed25519()])).await;
    let grant = GrantException {
        binding,
        control: None,
        environment: name("production"),
        expires_ms: world.recorder.now_ms() + HOUR_MS,
        reason: "who signs is away".into(),
        scope: model::kind::ExceptionScope::Flow(name("payments")),
    };
    world
        .recorder
        .grant_exception(&world.bob.1, grant)
        .await
        .unwrap();
    let decision = world.decide(1).await;
    assert_eq!(decision.verdict, Verdict::Denied);
    assert!(
        decision
            .grounds
            .policies
            .iter()
            .all(|judged| judged.exceptions.is_empty())
    );
    sign_by(&world, &policy, &ed25519()).await;
    let decision = world.decide(1).await;
    assert_eq!(decision.verdict, Verdict::Allowed);
    let outcome = &decision.grounds.policies[1].evaluation.outcome;
    assert_eq!(*outcome, Outcome::Denied(Denial::NotSigned));
    assert_eq!(all_replay(&world).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_demands_signatures_of_its_own_and_the_decision_says_so() {
    let (world, policy, _) = world(true).await;
    let host = vec![ed25519().public().clone()];
    let strict = start_with(&world.store, &world.clock, host.clone()).await;
    let decide = || async { strict.decide(&world.ci, &question(1)).await.unwrap() };
    let decision = decide().await;
    assert!(not_signed(&decision));
    assert_eq!(decision.grounds.policy_keys, host);
    let bundle = sign(&signed(&world, &policy), &ed25519()).unwrap();
    strict
        .sign_policy(&world.bob.1, &policy, bundle)
        .await
        .unwrap();
    assert_eq!(decide().await.verdict, Verdict::Allowed);
    // The journal's demand stands beside it: both must be met.
    strict
        .trust_policy_keys(&world.admin, only(&[&p256()]))
        .await
        .unwrap();
    assert!(not_signed(&decide().await));
    let bundle = sign(&signed(&world, &policy), &p256()).unwrap();
    strict
        .sign_policy(&world.bob.1, &policy, bundle)
        .await
        .unwrap();
    let allowed = decide().await;
    assert_eq!(allowed.verdict, Verdict::Allowed);
    assert_eq!(all_replay(&world).await, 4);
    // Who writes other keys into a decision than it rests on is found out.
    let mut grounds = allowed.grounds.clone();
    let other = PolicyKey::from_pem(include_str!("../keys/other.pub")).unwrap();
    grounds.policy_keys = vec![other];
    later(&mut grounds, 1);
    let entry = forged(&world, &allowed, &grounds, Verdict::Allowed, 0).await;
    let bundle = self::bundle(&world).await;
    let error = replay(&bundle, &entry, &policies()).unwrap_err();
    assert!(
        error.to_string().contains("evaluation of policy"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_that_ran_what_nobody_signed_is_found_out() {
    let (world, _, _) = world(true).await;
    let allowed = world.decide(1).await;
    trust(&world, &world.admin, only(&[&ed25519()])).await;
    let denied = world.decide(1).await;
    let mut grounds = denied.grounds.clone();
    grounds.policies.clone_from(&allowed.grounds.policies);
    later(&mut grounds, 0);
    let entry = forged(&world, &allowed, &grounds, Verdict::Allowed, 0).await;
    let bundle = self::bundle(&world).await;
    let past = Past::new(&bundle).unwrap();
    let error = past
        .replay(past.find(&entry).unwrap(), &policies())
        .unwrap_err();
    assert!(
        error.to_string().contains("evaluation of policy"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_is_broken_in_the_journal_lets_nothing_run() {
    let (world, policy, _) = world(true).await;
    trust(&world, &world.admin, only(&[&ed25519()])).await;
    let good = sign(&signed(&world, &policy), &ed25519()).unwrap();
    let other = PolicySigned {
        policy: name("other"),
        ..signed(&world, &policy)
    };
    // As who writes into the store past the recorder could: each is said to be this policy's.
    let bundles = [
        good[..good.len() / 2].to_vec(),
        Vec::new(),
        sign(&other, &ed25519()).unwrap(),
        [
            good.as_slice(),
            &vec![b' '; model::limits::SIGNATURE_BYTES_MAX],
        ]
        .concat(),
    ];
    for bundle in bundles {
        let fields = model::canonical::to_vec(&signed(&world, &policy)).unwrap();
        let draft = journal::Draft {
            by: world.admin.by().clone(),
            claimed_ms: None,
            fields: serde_json::from_slice(&fields).unwrap(),
            kind: name("policy-signed"),
            streams: vec![StreamName::admin()],
            large: Vec::new(),
            payloads: vec![model::Payload {
                role: Role::Rule,
                media_type: SIGNATURE_MEDIA_TYPE.into(),
                schema: None,
                salt: [6; 32],
                bytes: bundle,
            }],
            idempotency: None,
            expected: Vec::new(),
        };
        world.store.append(vec![draft]).await.unwrap();
    }
    let again = start_with(&world.store, &world.clock, Vec::new()).await;
    assert_eq!(again.signatures(&policy).await.unwrap().len(), 4);
    let decision = again.decide(&world.ci, &question(1)).await.unwrap();
    assert!(not_signed(&decision));
    assert_eq!(all_replay(&world).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_of_ones_own_is_signed_by_nobody() {
    let (world, _, _) = world(true).await;
    trust(&world, &world.admin, only(&[&ed25519()])).await;
    let request = TrialRequest {
        environment: Some(name("production")),
        fingerprint: Fingerprint([1; 32]),
        flow: None,
        policies: vec![TrialPolicy {
            name: name("mine"),
            parameters: Value::Null,
            rego: "package policy".into(),
        }],
        trail: None,
    };
    let trial = world.recorder.trial(&world.ci, &request).await.unwrap();
    assert_eq!(trial.verdict, Verdict::Denied);
    assert!(not_signed(&trial));
    assert_eq!(all_replay(&world).await, 1);
}

/// An admin who speaks for a person.
async fn admin(world: &World, person: &(model::PersonId, Caller)) -> Caller {
    key(
        &world.recorder,
        &world.admin,
        Some(person.0.clone()),
        &[AccessRole::Admin],
    )
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_it_laxer_takes_two_and_what_does_not_one() {
    let (world, policy, _) = world(false).await;
    let (bob, carol) = (
        admin(&world, &world.bob).await,
        admin(&world, &world.carol).await,
    );
    sign_by(&world, &policy, &p256()).await;
    // To demand anything at all is stricter than to demand nothing: even a machine may.
    trust(&world, &world.admin, only(&[&ed25519()])).await;
    assert!(not_signed(&world.decide(1).await));
    let refused = world
        .recorder
        .trust_policy_keys(&world.admin, only(&[&p256()]))
        .await;
    assert!(matches!(refused, Err(RecorderError::PersonRequired)));
    let more = trust(&world, &bob, only(&[&ed25519(), &p256()])).await;
    let lift = trust(&world, &bob, lifted()).await;
    assert!(
        not_signed(&world.decide(1).await),
        "it waits for a second person"
    );
    assert_eq!(world.recorder.definitions().trust().proposals().len(), 2);
    for by in [&bob, &world.bob.1, &world.carol.1] {
        assert!(world.recorder.endorse(by, more).await.is_err());
    }
    world.recorder.endorse(&carol, more).await.unwrap();
    assert_eq!(world.decide(1).await.verdict, Verdict::Allowed);
    let definitions = world.recorder.definitions();
    let in_force = definitions.trust().in_force().unwrap();
    assert_eq!(
        (&in_force.by, &in_force.endorsed_by),
        (&Some(world.bob.0.clone()), &Some(world.carol.0.clone()))
    );
    // What was proposed to replace another list is void.
    assert!(world.recorder.endorse(&carol, lift).await.is_err());
    // A key that is not trusted any more is none at once.
    trust(&world, &world.admin, only(&[&ed25519()])).await;
    assert!(not_signed(&world.decide(1).await));
    assert!(world.recorder.endorse(&carol, more).await.is_err());
    let lift = trust(&world, &bob, lifted()).await;
    world.recorder.endorse(&carol, lift).await.unwrap();
    assert_eq!(world.decide(1).await.verdict, Verdict::Allowed);
    assert_eq!(all_replay(&world).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn more_time_for_a_key_is_laxer() {
    let (world, _, _) = world(false).await;
    let bob = admin(&world, &world.bob).await;
    let until = |expires_ms: Option<u64>| {
        let mut keys = only(&[&ed25519()]);
        keys.keys.as_mut().unwrap()[0].expires_ms = expires_ms;
        keys
    };
    let now_ms = world.recorder.now_ms();
    let waiting = || world.recorder.definitions().trust().proposals().len();
    trust(&world, &bob, until(Some(now_ms + HOUR_MS))).await;
    assert_eq!(waiting(), 0);
    trust(&world, &bob, until(Some(now_ms + HOUR_MS + 1))).await;
    assert_eq!(waiting(), 1);
    trust(&world, &bob, until(None)).await;
    assert_eq!(waiting(), 2);
    trust(&world, &bob, until(Some(now_ms + HOUR_MS - 1))).await;
    assert_eq!(waiting(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_or_asks_for_too_much_is_told() {
    let (world, policy, _) = world(true).await;
    let trusting = |by: &Caller, trust| {
        let (recorder, by) = (world.recorder.clone(), by.clone());
        async move { recorder.trust_policy_keys(&by, trust).await.map(drop) }
    };
    let role = trusting(&world.bob.1, only(&[])).await;
    assert!(matches!(role, Err(RecorderError::RoleMissing(_))));
    let twice = trusting(&world.admin, only(&[&p256(), &p256()])).await;
    assert!(matches!(twice, Err(RecorderError::Invalid(_))));
    let mut many = only(&[]);
    for number in 0..=TRUSTED_KEYS_MAX {
        let mut der = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00".to_vec();
        der.extend([u8::try_from(number).unwrap(); 32]);
        let key = serde_json::from_value(json!(base64(&der))).unwrap();
        many.keys.as_mut().unwrap().push(trusted(&key));
    }
    let too_many = trusting(&world.admin, many.clone()).await;
    assert!(matches!(too_many, Err(RecorderError::Invalid(_))));
    many.keys.as_mut().unwrap().pop();
    trusting(&world.admin, many).await.unwrap();
    let mut silent = only(&[]);
    silent.reason = " ".into();
    assert!(matches!(
        trusting(&world.admin, silent).await,
        Err(RecorderError::Invalid(_))
    ));
    // Nothing is lifted by leaving it out.
    assert!(serde_json::from_value::<TrustPolicyKeys>(json!({"reason": "x"})).is_err());
    let bundle = sign(&signed(&world, &policy), &p256()).unwrap();
    let signing = |by: &Caller, entry: EntryHash, bundle: Vec<u8>| {
        let (recorder, by) = (world.recorder.clone(), by.clone());
        async move { recorder.sign_policy(&by, &entry, bundle).await }
    };
    let role = signing(&world.ci, policy, bundle.clone()).await;
    assert!(matches!(role, Err(RecorderError::RoleMissing(_))));
    let unknown = signing(&world.bob.1, EntryHash([9; 32]), bundle).await;
    assert!(matches!(unknown, Err(RecorderError::Unknown { .. })));
    let broken = signing(&world.bob.1, policy, b"{}".to_vec()).await;
    assert!(matches!(broken, Err(RecorderError::Signature(_))));
    for _ in 0..SIGNATURES_MAX {
        sign_by(&world, &policy, &p256()).await;
    }
    let bundle = sign(&signed(&world, &policy), &p256()).unwrap();
    let full = signing(&world.bob.1, policy, bundle).await;
    assert!(matches!(full, Err(RecorderError::Invalid(_))));
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
