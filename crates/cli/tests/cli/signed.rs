//! Signed policies, from the key to the decision that asks for it.

use std::fs;

use crate::evidence::JUNIT;
use crate::world::{Server, User, World};

const ED25519: &str = concat!(
    "-----BEGIN ",
    "PRIVATE KEY-----\n",
    include_str!("../../../recorder/tests/keys/ed25519.base64"),
    "-----END ",
    "PRIVATE KEY-----\n"
);
const ED25519_PUB: &str = include_str!("../../../recorder/tests/keys/ed25519.pub");
const P256: &str = concat!(
    "-----BEGIN ",
    "PRIVATE KEY-----\n",
    include_str!("../../../recorder/tests/keys/p256.base64"),
    "-----END ",
    "PRIVATE KEY-----\n"
);
const P256_PUB: &str = include_str!("../../../recorder/tests/keys/p256.pub");
/// The files of a policy's author and of who signs.
fn files(world: &World) {
    world.file(
        "careful/policy.yaml",
        "name: careful\nlanguage: wasm\noutput: policy.wasm\n",
    );
    let seed = policy::stock::seed("unit-tested", policy::PolicyForm::Component).unwrap();
    let code = world.work().join("careful/policy.wasm");
    fs::write(code, seed.source().bytes()).unwrap();
    for (name, text) in [
        ("ed25519.pem", ED25519),
        ("ed25519.pub", ED25519_PUB),
        ("p256.pem", P256),
        ("p256.pub", P256_PUB),
    ] {
        world.file(name, text);
    }
}

fn recorded(world: &World, admin: &User<'_>) {
    world.file("web", "a program");
    world.commit("ann", "Begin");
    admin.ask(&["flow", "create", "web"]);
    admin.ask(&["env", "create", "production"]);
    let ci = admin.with_key(&["ci", "--role", "reporter", "--flow", "web"]);
    ci.ask(&["trail", "begin", "t1", "--flow", "web"]);
    ci.ask(&[
        "artifact", "record", "web", "--flow", "web", "--trail", "t1",
    ]);
    world.file("junit.xml", JUNIT);
    ci.ask(&[
        "attest",
        "junit",
        "junit.xml",
        "--name",
        "unit-tests",
        "--artifact",
        "web",
        "--flow",
        "web",
        "--trail",
        "t1",
    ]);
}

/// Publishes the folder, living with whatever its check finds: it is made for a test.
fn publish(user: &User<'_>, more: &[&str]) -> Vec<String> {
    let check = user.run(&["policy", "check", "careful", "--json"]).json();
    let mut words: Vec<String> = ["policy", "publish", "careful"].map(str::to_owned).into();
    for finding in check["open"].as_array().unwrap() {
        let finding = finding.as_str().unwrap();
        words.extend(["--accept", finding, "--reason", "a test"].map(str::to_owned));
    }
    words.extend(more.iter().map(|word| (*word).to_owned()));
    words
}

/// Types a command, blanks in an argument written `_`, and returns all that it answers.
fn told(admin: &User<'_>, words: &str, exit: i32) -> String {
    let words: Vec<_> = words
        .split(' ')
        .map(|word| word.replace('_', " "))
        .collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let done = admin.run(&words).expect(exit);
    done.stdout + &done.stderr
}

#[test]
fn a_policy_is_signed_recorded_and_run_only_then() {
    let world = World::new();
    files(&world);
    let server = Server::start(&world, &["--solo", "--people-by-key", "--name", "acme"]);
    let admin = User::admin(&world, &server);
    recorded(&world, &admin);
    let words = publish(&admin, &[]);
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    admin.ask(&words);
    admin.ask(&["policy", "bind", "careful", "--everything"]);
    let ids = [ED25519_PUB, P256_PUB].map(|pem| {
        let key = recorder::PolicyKey::from_pem(pem).unwrap();
        key.id().to_string()
    });
    for (words, exit, said) in [
        ("policy trust", 0, "the journal lets any policy run"),
        ("policy trust --key ed25519.pub", 2, "--reason"),
        ("policy trust --key web --reason a_test", 1, "not PEM"),
        (
            "policy trust --key ed25519.pub --until 2099-01-01T00:00:00Z --reason they_are_reviewed",
            0,
            "entry",
        ),
        ("policy trust", 0, &ids[0]),
        ("policy trust", 0, "2099-01-01"),
        (
            "decide web --environment production",
            3,
            "careful: policy-not-signed",
        ),
        (
            "policy sign careful --key ed25519.pub --output ed25519.json",
            1,
            "`PUBLIC KEY`",
        ),
        (
            "policy sign careful --key ed25519.pem --output ed25519.json",
            0,
            &ids[0],
        ),
        (
            "policy sign careful --key p256.pem --output p256.json",
            0,
            &ids[1],
        ),
        (
            "policy verify ed25519.json --key ed25519.pub careful",
            0,
            &ids[0],
        ),
        (
            "policy verify ed25519.json --key p256.pub careful",
            4,
            "not signed by these keys",
        ),
        ("policy verify web --key p256.pub", 1, "no Sigstore bundle"),
        ("policy attach careful p256.json", 0, "recorded"),
        (
            "decide web --environment production",
            3,
            "careful: policy-not-signed",
        ),
        (
            "policy show careful",
            0,
            "signed, by no key that is trusted here",
        ),
        ("policy attach careful ed25519.json", 0, "recorded"),
        ("decide web --environment production", 0, "allowed"),
        ("policy show careful", 0, &format!("signed by {}", ids[0])),
    ] {
        let found = told(&admin, words, exit);
        assert!(found.contains(said), "{words}: `{said}` is not in {found}");
    }
    let decision = admin.run(&["decide", "web", "--environment", "production", "--json"]);
    let decision = decision.json()["decision"].as_str().unwrap().to_owned();
    told(&admin, "policy trust --nobody --reason the_key_leaked", 0);
    assert!(told(&admin, "policy trust", 0).contains("nothing runs"));
    told(&admin, "decide web --environment production", 3);
    let denied = admin.run(&["decide", "web", "--environment", "production", "--json"]);
    let denied = denied.json()["decision"].as_str().unwrap().to_owned();
    let explained = admin.run(&["policy", "explain", &denied]);
    assert!(
        explained.stdout.contains("policy-not-signed"),
        "{explained:?}"
    );
    told(&admin, "policy trust --none --reason no_longer", 0);
    told(&admin, "decide web --environment production", 0);
    admin.ask(&["export", "--output", "journal.bundle"]);
    assert_eq!(server.stop(), 0);
    // A stranger finds all of it again.
    admin
        .run(&["replay", "--bundle", "journal.bundle", "--all"])
        .expect(0);
    admin
        .run(&["replay", &decision, "--bundle", "journal.bundle"])
        .expect(0);
    admin.run(&["verify", "journal.bundle"]).expect(0);
}

#[test]
fn a_signature_that_is_not_of_what_is_published_is_found_before_it_is_published() {
    let world = World::new();
    files(&world);
    let server = Server::start(&world, &["--solo", "--people-by-key", "--name", "acme"]);
    let admin = User::admin(&world, &server);
    admin.ask(&[
        "policy", "sign", "careful", "--key", "p256.pem", "--output", "one.json",
    ]);
    admin.ask(&["policy", "sign", "careful", "--key", "ed25519.pem"]);
    let beside: Vec<_> = fs::read_dir(world.work().join("careful"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".sigstore.json"))
        .collect();
    let beside = format!("careful/{}", beside[0]);
    let words = publish(&admin, &["--signature", "one.json", "--signature", &beside]);
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let code = world.work().join("careful/policy.wasm");
    let seed = |name| policy::stock::seed(name, policy::PolicyForm::Component).unwrap();
    fs::write(&code, seed("four-eyes").source().bytes()).unwrap();
    let refused = admin.run(&words).expect(4);
    assert!(refused.stderr.contains("its code is"), "{refused:?}");
    assert_eq!(
        admin.ask(&["policy", "list"])["policies"],
        serde_json::json!([])
    );
    fs::write(&code, seed("unit-tested").source().bytes()).unwrap();
    let published = admin.ask(&words);
    assert_eq!(published["signatures"].as_array().unwrap().len(), 2);
    assert_eq!(admin.ask(&words), published, "the same is recorded once");
}

#[test]
fn a_host_demands_signatures_that_the_journal_does_not() {
    let world = World::new();
    files(&world);
    let none = ["--solo", "--people-by-key", "--name", "acme"];
    let wrong = world.run(&["serve", "--policy-key", "web"]).expect(1);
    assert!(wrong.stderr.contains("web"), "{wrong:?}");
    let server = Server::start(
        &world,
        &[&none[..], &["--policy-key", "ed25519.pub"]].concat(),
    );
    let admin = User::admin(&world, &server);
    recorded(&world, &admin);
    let words = publish(&admin, &[]);
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    admin.ask(&words);
    admin.ask(&["policy", "bind", "careful", "--everything"]);
    let decide = ["decide", "web", "--environment", "production"];
    let denied = admin.run(&decide).expect(3);
    assert!(denied.stdout.contains("policy-not-signed"), "{denied:?}");
    admin.ask(&[
        "policy",
        "sign",
        "careful",
        "--key",
        "ed25519.pem",
        "--output",
        "one.json",
    ]);
    admin.ask(&["policy", "attach", "careful", "one.json"]);
    admin.run(&decide).expect(0);
    admin.ask(&["export", "--output", "journal.bundle"]);
    assert_eq!(server.stop(), 0);
    admin
        .run(&["replay", "--bundle", "journal.bundle", "--all"])
        .expect(0);
}
