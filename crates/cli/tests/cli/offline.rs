//! What strangers check with what they hold: bundles, receipts, permits. No server runs.

use std::fs;

use journal::Receipt;
use journal::key::{LogKey, ReceiptKey};
use journal::receipt::ReceiptTerms;
use serde_json::Value;

use crate::evidence::JUNIT;
use crate::world::{Done, Server, User, World};

/// A journal with one decision, exported; the server is gone.
pub struct Exported {
    pub world: World,
    /// The admin's key.
    pub token: String,
    pub log_key: String,
    pub permit_key: String,
    pub decision: Value,
}

impl Exported {
    pub fn new() -> Self {
        let world = World::new();
        world.file("web", "a program");
        world.file("junit.xml", JUNIT);
        world.commit("ann", "Do nothing, well");
        let server = Server::start(&world, &["--solo"]);
        let token = server.first_key().unwrap().to_owned();
        let admin = User::admin(&world, &server);
        let ci = admin.with_key(&["ci", "--role", "reporter", "--flow", "web"]);
        admin.ask(&["flow", "create", "web"]);
        admin.ask(&["env", "create", "production"]);
        admin.ask(&["policy", "publish", "unit-tested", "--stock=component"]);
        admin.ask(&[
            "policy",
            "bind",
            "unit-tested",
            "--environment",
            "production",
        ]);
        ci.ask(&["trail", "begin", "t1", "--flow", "web"]);
        ci.ask(&["checkpoint"]);
        let checkpoint = ci.run(&["checkpoint"]).expect(0).stdout;
        world.file("old.checkpoint", &checkpoint);
        let on = ["--flow", "web", "--trail", "t1"];
        ci.ask(&[&["artifact", "record", "web"], &on[..]].concat());
        ci.ask(
            &[
                &["attest", "junit", "junit.xml", "--artifact", "web"],
                &on[..],
            ]
            .concat(),
        );
        let decide = [
            "decide",
            "web",
            "--environment",
            "production",
            "--permit",
            "deploy",
            "--permit-file",
            "permit.json",
        ];
        let decision = ci.ask(&decide);
        world.file("decision.json", &decision.to_string());
        ci.ask(&[
            "entry",
            "receipt",
            decision["decision"].as_str().unwrap(),
            "--output",
            "receipt.json",
        ]);
        ci.ask(&["export", "--output", "journal.bundle"]);
        ci.ask(&["export", "--artifact", "web", "--output", "web.bundle"]);
        let key = |name: &str| {
            fs::read_to_string(world.data().join("keys").join(name))
                .unwrap()
                .trim()
                .to_owned()
        };
        let (log_key, permit_key) = (key("log.vkey"), key("permit.pub"));
        assert_eq!(server.stop(), 0);
        Self {
            world,
            token,
            log_key,
            permit_key,
            decision,
        }
    }

    fn run(&self, arguments: &[&str]) -> Done {
        self.world.run(arguments)
    }

    pub fn changed(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(self.world.work().join(name)).unwrap();
        change(&mut bytes);
        fs::write(self.world.work().join("changed"), bytes).unwrap();
    }

    fn permit(&self, key: &str, artifact: &str, environment: &str, audience: &str) -> Done {
        let subject = [
            "--artifact",
            artifact,
            "--environment",
            environment,
            "--audience",
            audience,
        ];
        self.run(
            &[
                &["permit", "verify", "permit.json", "--key", key],
                &subject[..],
            ]
            .concat(),
        )
    }
}

#[test]
fn what_is_wrong_is_found_and_named_with_exit_4() {
    let exported = Exported::new();
    let other_key = "trailmark/x+31f5d0ab+AQECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g";

    // Bundles.
    let report = exported
        .run(&["verify", "journal.bundle", "--json"])
        .expect(0)
        .json();
    assert_eq!(
        (&report["unique"], &report["pinned"]),
        (&true.into(), &false.into())
    );
    let report = exported
        .run(&["verify", "web.bundle", "--json", "--key", &exported.log_key])
        .expect(0)
        .json();
    assert_eq!(
        (&report["unique"], &report["pinned"]),
        (&false.into(), &true.into())
    );
    exported
        .run(&["verify", "journal.bundle", "--checkpoint", "old.checkpoint"])
        .expect(0);
    exported
        .run(&["verify", "web.bundle", "--key", other_key])
        .expect(2);
    for name in ["journal.bundle", "web.bundle"] {
        exported.changed(name, |bytes| {
            // A letter stays one, so that it is what is said that changes, not the form.
            let letter = bytes.len() / 2..bytes.len();
            let mut letter = letter.filter(|at| (b'b'..=b'y').contains(&bytes[*at]));
            let letter = letter.next().unwrap();
            bytes[letter] ^= 1;
        });
        let wrong = exported.run(&["verify", "changed"]).expect(4);
        assert!(
            wrong.stderr.contains("verification failed at line")
                && wrong.stderr.contains(", entry `"),
            "{wrong:?}"
        );
        exported.changed(name, |bytes| bytes.truncate(bytes.len() - 10));
        exported.run(&["verify", "changed"]).expect(4);
        exported.run(&["replay", "--bundle", "changed"]).expect(4);
    }
    exported.run(&["verify", "no-such-file"]).expect(1);
    exported.run(&["verify", "permit.json"]).expect(4);

    // Decisions.
    let decision = exported.decision["decision"].as_str().unwrap();
    let replayed = exported
        .run(&[
            "replay",
            &decision[..12],
            "--bundle",
            "web.bundle",
            "--json",
        ])
        .expect(0)
        .json();
    assert_eq!(
        (&replayed[0]["decision"], &replayed[0]["verdict"]),
        (&decision.into(), &"allowed".into())
    );
    exported
        .run(&["replay", "--bundle", "journal.bundle"])
        .expect(0);
    exported
        .run(&["replay", &"0".repeat(64), "--bundle", "web.bundle"])
        .expect(1);

    // Receipts, alone or in the answer that they came with.
    for name in ["receipt.json", "decision.json"] {
        exported
            .run(&["verify", "--receipt", name, "--key", &exported.log_key])
            .expect(0);
    }
    let receipt = [
        "verify",
        "--receipt",
        "receipt.json",
        "--key",
        &exported.log_key,
        "--entry",
    ];
    exported
        .run(&[&receipt[..], &[&"0".repeat(64)]].concat())
        .expect(4);
    exported
        .run(&[
            "verify",
            "--receipt",
            "permit.json",
            "--key",
            &exported.log_key,
        ])
        .expect(4);
    exported
        .run(&["verify", "--receipt", "receipt.json"])
        .expect(2);

    // Permits.
    let key = exported.permit_key.as_str();
    exported
        .permit(key, "web", "production", "deploy")
        .expect(0);
    exported
        .permit(key, "junit.xml", "production", "deploy")
        .expect(4);
    exported.permit(key, "web", "staging", "deploy").expect(4);
    exported
        .permit(key, "web", "production", "somebody")
        .expect(4);
    let another = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    exported
        .permit(another, "web", "production", "deploy")
        .expect(4);
    exported
        .permit("no key", "web", "production", "deploy")
        .expect(2);
}

#[test]
fn a_promise_is_verified_and_told_from_a_proof() {
    let world = World::new();
    let journal = "trailmark/acme".parse().unwrap();
    let (log, key) = (LogKey::new(&journal, &[1; 32]), ReceiptKey::new(&[2; 32]));
    let from_ms = 1_700_000_000_000;
    let terms = ReceiptTerms {
        key: key.public(),
        from_ms,
        until_ms: from_ms + 60_000,
    };
    let voucher = log.vouch_receipt(terms).unwrap();
    let entry = model::Entry::hash_of(b"an entry");
    let promised = key
        .promise(&journal, &voucher, entry, from_ms + 90_000)
        .unwrap();
    let receipt = Receipt::Promised(promised);
    world.file("receipt.json", &serde_json::to_string(&receipt).unwrap());
    let vkey = log.vkey().to_string();
    let verify = ["verify", "--receipt", "receipt.json", "--key", &vkey];
    let said = world.run(&verify).expect(0).stdout;
    let told = format!("entry {entry} is promised by 2023-11-14T22:14:50Z");
    assert!(
        said.contains(&told) && said.contains("not yet proved"),
        "{said}"
    );
    let json = world.run(&[&verify[..], &["--json"]].concat()).expect(0);
    assert_eq!(json.json()["status"], "promised");
    let other = "0".repeat(64);
    world
        .run(&[&verify[..], &["--entry", &other]].concat())
        .expect(4);
    let later = serde_json::to_string(&receipt)
        .unwrap()
        .replace("1700000090000", "1700000090001");
    world.file("receipt.json", &later);
    world.run(&verify).expect(4);
}
