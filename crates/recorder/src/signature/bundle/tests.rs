use model::kind::Language;
use serde_json::{Value, json};

use super::*;
use crate::publication::sha256;

fn signer(pem: &str) -> PolicySigner {
    PolicySigner::from_pem(pem).unwrap()
}

fn ed25519() -> PolicySigner {
    signer(concat!(
        "-----BEGIN ",
        "PRIVATE KEY-----\n",
        include_str!("../../../tests/keys/ed25519.base64"),
        "-----END ",
        "PRIVATE KEY-----\n"
    ))
}

fn p256() -> PolicySigner {
    signer(concat!(
        "-----BEGIN ",
        "PRIVATE KEY-----\n",
        include_str!("../../../tests/keys/p256.base64"),
        "-----END ",
        "PRIVATE KEY-----\n"
    ))
}

/// The policy that the bundles made by openssl are of.
fn policy() -> PolicySigned {
    PolicySigned {
        digest: sha256(b"package policy\n"),
        language: Language::Rego,
        parameters: Some(sha256(br#"{"type":"object"}"#)),
        policy: "unit-tested".parse().unwrap(),
    }
}

fn value(bundle: &[u8]) -> Value {
    serde_json::from_slice(bundle).unwrap()
}

fn read(bundle: &Value) -> Result<PolicySignature, SignatureError> {
    PolicySignature::read(bundle.to_string().as_bytes())
}

/// Signs any payload of any type, as an attacker with a trusted key could.
fn signed(payload: &str, payload_type: &str) -> Value {
    let signature = ed25519().sign(&to_sign(payload_type, payload.as_bytes()));
    let mut bundle = value(&sign(&policy(), &ed25519()).unwrap());
    bundle["dsseEnvelope"] = json!({
        "payload": STANDARD.encode(payload),
        "payloadType": payload_type,
        "signatures": [{"sig": STANDARD.encode(signature.unwrap())}],
    });
    bundle
}

fn payload(bundle: &Value) -> Vec<u8> {
    let payload = bundle["dsseEnvelope"]["payload"].as_str().unwrap();
    STANDARD.decode(payload).unwrap()
}

fn statement() -> Value {
    value(&payload(&value(&sign(&policy(), &ed25519()).unwrap())))
}

#[test]
fn what_is_signed_of_a_payload_is_what_dsse_says() {
    // The test vector of the protocol's specification, and its signature by ECDSA over P-256, there as r and s.
    let message = to_sign("http://example.com/HelloWorld", b"hello world");
    let text = String::from_utf8(message.clone()).unwrap();
    assert_eq!(
        text,
        "DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    );
    assert_eq!(to_sign("é", "ø".as_bytes()), "DSSEv1 2 é 2 ø".as_bytes());
    let sig =
        "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA==";
    let sig = STANDARD.decode(sig).unwrap();
    let der = [b"\x30\x44\x02\x20", &sig[..32], b"\x02\x20", &sig[32..]].concat();
    let key = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEZ805D3eqNZywjCI19lInBJOp7YMrCrzAH3CVTAOQ0jgMeCvVTiaRJaRPRDOv8UMs6U4SvKc6pnrIDOoSYI3fdA==";
    let key: PolicyKey = key.parse().unwrap();
    assert!(key.verifies(&message, &der));
    assert!(!key.verifies(&message[1..], &der));
}

#[test]
fn a_bundle_made_by_another_program_is_read_and_its_key_found() {
    let of_p256 = include_bytes!("../../../tests/signatures/openssl-p256.json");
    let of_ed25519 = include_bytes!("../../../tests/signatures/openssl-ed25519.json");
    for (bundle, by, not_by) in [
        (&of_p256[..], p256(), ed25519()),
        (&of_ed25519[..], ed25519(), p256()),
    ] {
        let found = PolicySignature::read(bundle).unwrap();
        assert_eq!(*found.signed(), policy());
        found.check(&policy()).unwrap();
        assert!(found.is_by(by.public()));
        assert!(!found.is_by(not_by.public()));
        assert_eq!(found.hint(), Some(by.public().hint().as_str()));
    }
}

#[test]
fn a_bundle_of_ours_has_the_members_that_others_read() {
    let bundle = value(&sign(&policy(), &ed25519()).unwrap());
    let hint = &bundle["verificationMaterial"]["publicKey"]["hint"];
    assert_eq!(*hint, ed25519().public().hint());
    assert_eq!(bundle["dsseEnvelope"]["payloadType"], IN_TOTO);
    let expected = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "predicate": {
            "language": "rego",
            "parameters": {"sha256": policy().parameters.unwrap().to_string()},
            "policy": "unit-tested",
        },
        "predicateType": "https://trailmark.dev/policy/v1",
        "subject": [{"digest": {"sha256": policy().digest.to_string()}, "name": "unit-tested"}],
    });
    assert_eq!(statement(), expected);
    for signer in [ed25519(), p256()] {
        let bundle = sign(&policy(), &signer).unwrap();
        let found = PolicySignature::read(&bundle).unwrap();
        assert!(found.is_by(signer.public()));
    }
}

#[test]
fn of_several_signatures_one_good_one_is_enough() {
    let mut bundle = value(&sign(&policy(), &ed25519()).unwrap());
    let signatures = &mut bundle["dsseEnvelope"]["signatures"];
    let good = signatures[0].clone();
    *signatures = json!([{"sig": "AAAA", "keyid": "somebody"}, good]);
    assert!(read(&bundle).unwrap().is_by(ed25519().public()));
    bundle["dsseEnvelope"]["signatures"] = json!([{"sig": "AAAA"}]);
    assert!(!read(&bundle).unwrap().is_by(ed25519().public()));
    for wrong in [0, SIGNATURES_MAX + 1] {
        bundle["dsseEnvelope"]["signatures"] = vec![good.clone(); wrong].into();
        assert!(matches!(read(&bundle), Err(SignatureError::Count(found)) if found == wrong));
    }
}

#[test]
fn a_changed_byte_of_what_was_signed_is_nobodys_signature() {
    let bundle = value(&sign(&policy(), &p256()).unwrap());
    let signed = payload(&bundle);
    let mut tried = 0;
    for at in 0..signed.len() {
        let mut other = signed.clone();
        other[at] ^= 1;
        let mut bundle = bundle.clone();
        bundle["dsseEnvelope"]["payload"] = STANDARD.encode(&other).into();
        if let Ok(found) = read(&bundle) {
            assert!(!found.is_by(p256().public()), "byte {at}");
            tried += 1;
        }
    }
    assert!(tried > 64, "only {tried} changes were read");
    // The same bytes, in the alphabet for URLs, are the same.
    let mut other = bundle;
    let sig = &mut other["dsseEnvelope"]["signatures"][0]["sig"];
    *sig = sig
        .as_str()
        .unwrap()
        .replace('+', "-")
        .replace('/', "_")
        .into();
    assert!(read(&other).unwrap().is_by(p256().public()));
}

#[test]
fn a_signature_of_another_policy_says_in_what_it_differs() {
    let found = PolicySignature::read(&sign(&policy(), &ed25519()).unwrap()).unwrap();
    let other = |what: &str, change: fn(&mut PolicySigned)| {
        let mut other = policy();
        change(&mut other);
        let error = found.check(&other).unwrap_err();
        assert!(
            matches!(&error, SignatureError::OtherPolicy { what: found, .. } if *found == what),
            "{error}"
        );
    };
    other("name", |policy| policy.policy = "other".parse().unwrap());
    other("language", |policy| policy.language = Language::Component);
    other("code", |policy| policy.digest.0[0] ^= 1);
    other("schema", |policy| policy.parameters = None);
    other("schema", |policy| policy.parameters = Some(sha256(b"{}")));
}

type Change = fn(&mut Value);

#[test]
fn what_is_no_bundle_with_a_statement_about_a_policy_is_refused_by_name() {
    use SignatureError as Error;
    let good = value(&sign(&policy(), &ed25519()).unwrap());
    let refused = |change: Change| {
        let mut bundle = good.clone();
        change(&mut bundle);
        read(&bundle).unwrap_err()
    };
    let error = refused(|bundle| {
        bundle["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1".into();
    });
    assert!(matches!(error, Error::MediaType(_)), "{error}");
    let error = refused(|bundle| {
        bundle["verificationMaterial"] = json!({"certificate": {"rawBytes": "AAAA"}});
    });
    assert!(matches!(error, Error::Certificate), "{error}");
    let error = refused(|bundle| {
        bundle["messageSignature"] = json!({"messageDigest": {}, "signature": "AAAA"});
    });
    assert!(matches!(error, Error::MessageSignature), "{error}");
    let error = refused(|bundle| drop(bundle["dsseEnvelope"].take()));
    assert!(matches!(error, Error::NoEnvelope), "{error}");
    let error = refused(|bundle| bundle["dsseEnvelope"]["payload"] = "%".into());
    assert!(matches!(error, Error::Base64("payload")), "{error}");
    let error = refused(|bundle| bundle["dsseEnvelope"]["signatures"][0]["sig"] = "%".into());
    assert!(matches!(error, Error::Base64("sig")), "{error}");
    let error = refused(|bundle| bundle["surprise"] = true.into());
    assert!(matches!(error, Error::Bundle(_)), "{error}");
    let twice = good.to_string().replacen('{', r#"{"mediaType":"x","#, 1);
    let error = PolicySignature::read(twice.as_bytes()).unwrap_err();
    assert!(matches!(error, Error::Bundle(_)), "{error}");
    let error = PolicySignature::read(&[b' '; SIGNATURE_BYTES_MAX + 1]).unwrap_err();
    assert!(matches!(error, Error::TooLarge(_)), "{error}");
    for bytes in [&b""[..], b"[]", b"{}", b"\0asm"] {
        let error = PolicySignature::read(bytes).unwrap_err();
        assert!(matches!(error, Error::Bundle(_)), "{error}");
    }
}

#[test]
fn what_was_signed_and_is_no_statement_about_a_policy_is_refused_by_name() {
    use SignatureError as Error;
    let text = statement().to_string();
    let error = read(&signed(&text, "application/json")).unwrap_err();
    assert!(matches!(error, Error::PayloadType(_)), "{error}");
    let refused = |change: Change| {
        let mut statement = statement();
        change(&mut statement);
        read(&signed(&statement.to_string(), IN_TOTO)).unwrap_err()
    };
    let error = refused(|statement| statement["_type"] = "https://in-toto.io/Statement/v2".into());
    assert!(matches!(error, Error::StatementType(_)), "{error}");
    let error = refused(|statement| {
        statement["predicateType"] = "https://slsa.dev/provenance/v1".into();
    });
    assert!(matches!(error, Error::PredicateType(_)), "{error}");
    let error = refused(|statement| statement["subject"] = json!([]));
    assert!(matches!(error, Error::Subjects(0)), "{error}");
    let error = refused(|statement| {
        let subject = statement["subject"][0].clone();
        statement["subject"].as_array_mut().unwrap().push(subject);
    });
    assert!(matches!(error, Error::Subjects(2)), "{error}");
    let changes: [Change; 6] = [
        |statement| statement["subject"][0]["digest"] = json!({"sha512": "00"}),
        |statement| statement["subject"][0]["digest"]["sha256"] = "00".into(),
        |statement| statement["predicate"]["language"] = "cobol".into(),
        |statement| statement["predicate"]["expires"] = "2026-01-01T00:00:00Z".into(),
        |statement| statement["predicate"] = Value::Null,
        |statement| statement["surprise"] = true.into(),
    ];
    for change in changes {
        let error = refused(change);
        assert!(matches!(error, Error::Statement(_)), "{error}");
    }
    // Readers differ on which of two equal members counts.
    for (member, other) in [
        ("\"policy\":", r#""policy":"other","policy":"#),
        (
            "\"predicateType\":",
            r#""predicateType":"other","predicateType":"#,
        ),
    ] {
        assert!(text.contains(member));
        let error = read(&signed(&text.replace(member, other), IN_TOTO)).unwrap_err();
        assert!(matches!(error, Error::Statement(_)), "{error}");
    }
}
