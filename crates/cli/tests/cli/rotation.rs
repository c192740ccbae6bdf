//! New signing keys: what the old ones signed holds, before and after a restart.

use std::fs;

use serde_json::Value;

use crate::offline::Exported;
use crate::world::{Done, Server, User, World};

fn rotate(world: &World, key: &str) -> Done {
    let data = world.data().display().to_string();
    world.run(&["key", "rotate", key, "--data", &data, "--json"])
}

/// Replaces a key; returns the new one, and keeps the answer with its receipt in a file.
fn rotated(world: &World, key: &str, old: &str) -> String {
    let answer: Value = rotate(world, key).expect(0).json();
    assert_eq!(answer["old"], old);
    world.file(&format!("rotated-{key}.json"), &answer.to_string());
    answer["new"].as_str().unwrap().to_owned()
}

fn verify_receipt(world: &World, name: &str, key: &str) -> Done {
    world.run(&["verify", "--receipt", name, "--key", key])
}

fn verify_permit(world: &World, name: &str, key: &str) -> Done {
    let on = ["--environment", "production", "--audience", "deploy"];
    let permit = ["permit", "verify", name, "--artifact", "web", "--key", key];
    world.run(&[&permit[..], &on].concat())
}

#[test]
fn what_the_old_keys_signed_holds_and_from_then_on_the_new_ones_sign() {
    let old = Exported::new();
    let world = &old.world;
    let log_key = rotated(world, "log", &old.log_key);
    let permit_key = rotated(world, "permit", &old.permit_key);
    assert!(log_key != old.log_key && permit_key != old.permit_key);
    verify_receipt(world, "rotated-log.json", &log_key).expect(0);
    verify_receipt(world, "rotated-log.json", &old.log_key).expect(4);

    // With the new keys it goes on: decides, permits, exports.
    let server = Server::start(world, &[]);
    let said = server.said.join("\n");
    assert!(said.contains(&log_key) && said.contains(&permit_key));
    let admin = User::new(world, &server, &old.token);
    let ci = admin.with_key(&["ci-2", "--role", "reporter", "--flow", "web"]);
    let decide = ["decide", "web", "--environment", "production"];
    let permit = ["--permit", "deploy", "--permit-file", "new-permit.json"];
    let on = ["--flow", "web", "--trail", "t1"];
    ci.ask(&[&decide[..], &permit, &on].concat());
    let decision = old.decision["decision"].as_str().unwrap();
    ci.ask(&["entry", "receipt", decision, "--output", "new.json"]);
    ci.ask(&["export", "--output", "new-journal.bundle"]);
    ci.ask(&["export", "--artifact", "web", "--output", "new-web.bundle"]);
    assert_eq!(server.stop(), 0);

    // What was handed out before holds by the old keys; what is now, by the new ones.
    for (receipt, key, other) in [
        ("receipt.json", &old.log_key, &log_key),
        ("new.json", &log_key, &old.log_key),
    ] {
        verify_receipt(world, receipt, key).expect(0);
        verify_receipt(world, receipt, other).expect(4);
    }
    let either = format!("{},{permit_key}", old.permit_key);
    for (permit, key, other) in [
        ("permit.json", &old.permit_key, &permit_key),
        ("new-permit.json", &permit_key, &old.permit_key),
    ] {
        verify_permit(world, permit, key).expect(0);
        verify_permit(world, permit, &either).expect(0);
        verify_permit(world, permit, other).expect(4);
    }

    // Bundles hold by either key, the older ones by the one that they know; decisions replay.
    for (bundle, keys) in [
        ("journal.bundle", &[&old.log_key][..]),
        ("web.bundle", &[&old.log_key]),
        ("new-journal.bundle", &[&old.log_key, &log_key]),
        ("new-web.bundle", &[&old.log_key, &log_key]),
    ] {
        for key in keys {
            world.run(&["verify", bundle, "--key", key]).expect(0);
        }
        world.run(&["replay", "--bundle", bundle]).expect(0);
    }
    let continued = ["verify", "new-journal.bundle", "--checkpoint"];
    world
        .run(&[&continued[..], &["old.checkpoint"]].concat())
        .expect(0);
    world
        .run(&["verify", "journal.bundle", "--key", &log_key])
        .expect(4);
}

#[test]
fn a_journal_opens_with_the_key_that_it_knows_wherever_its_rotation_was_cut_off() {
    let world = World::new();
    let server = Server::start(&world, &[]);
    let refused = rotate(&world, "log").expect(1);
    assert!(
        refused.stderr.contains("another process uses it"),
        "{refused:?}"
    );
    assert_eq!(server.stop(), 0);
    let path = |name: &str| world.data().join("keys").join(name);
    let read = |name: &str| fs::read_to_string(path(name)).unwrap();
    for key in ["log", "permit"] {
        let before = read(key);
        // Cut off before the journal heard of it: the old key stays, and the new one is taken up again.
        let unheard = "ab".repeat(32);
        fs::write(path(&format!("{key}.next")), &unheard).unwrap();
        assert_eq!(Server::start(&world, &[]).stop(), 0);
        assert_eq!(read(key), before);
        rotate(&world, key).expect(0);
        assert_eq!(read(key).trim(), unheard);
        assert!(!path(&format!("{key}.next")).exists());

        // Cut off after that: the new key is found.
        fs::rename(path(key), path(&format!("{key}.next"))).unwrap();
        fs::write(path(key), &before).unwrap();
        assert_eq!(Server::start(&world, &[]).stop(), 0);
        assert_eq!(read(key).trim(), unheard);

        // A key that the journal does not know is none.
        let newest = read(key);
        fs::write(path(key), &before).unwrap();
        let public = path(if key == "log" {
            "log.vkey"
        } else {
            "permit.pub"
        });
        let told = fs::read_to_string(&public).unwrap();
        Server::spawn(&world, &[]).err().unwrap().expect(1);
        fs::write(path(key), newest).unwrap();
        fs::write(public, told).unwrap();
    }
    assert_eq!(Server::start(&world, &[]).stop(), 0);
    let data = world.data().display().to_string();
    world
        .run(&["key", "rotate", "cache", "--data", &data])
        .expect(2);
    let elsewhere = world.path("elsewhere").display().to_string();
    world
        .run(&["key", "rotate", "log", "--data", &elsewhere])
        .expect(1);
}
