//! All decisions made again, and another policy tried on them: from a bundle, and from a recorder.

use crate::offline::Exported;
use crate::world::Server;

/// Allows nothing.
const NEVER: &str = r#"package never

default allow := false

findings := [{"control": "never", "status": "failed", "reason": "nothing is good enough", "entries": []}]
"#;

#[test]
fn the_past_is_replayed_and_measured_from_a_bundle_and_from_a_recorder() {
    let exported = Exported::new();
    let world = &exported.world;
    let decision = &exported.decision["decision"];

    // With the cache cold, then warm, on one thread and on several.
    for threads in ["1", "3"] {
        let all = [
            "replay",
            "--all",
            "--json",
            "--bundle",
            "journal.bundle",
            "--threads",
            threads,
        ];
        let all = world.run(&all).expect(0).json();
        assert_eq!(
            (&all["decisions"], &all["agreed"]),
            (&1.into(), &1.into()),
            "{all}"
        );
        assert_eq!(
            (&all["differ"], &all["unproved"]),
            (&0.into(), &0.into()),
            "{all}"
        );
    }
    let said = world
        .run(&["replay", "--all", "--bundle", "journal.bundle"])
        .expect(0);
    assert!(said.stdout.starts_with("all the same\n"), "{said:?}");
    assert!(
        said.stderr.is_empty(),
        "no bar outside of a terminal: {said:?}"
    );
    world
        .run(&["replay", "--all", "aa", "--bundle", "journal.bundle"])
        .expect(2);

    world.file("never.rego", NEVER);
    let impact = [
        "policy",
        "impact",
        "never.rego",
        "--bundle",
        "journal.bundle",
        "--since",
        "2026-01-01",
        "--json",
    ];
    let denied = world.run(&impact).expect(0).json();
    assert_eq!(denied["would_be_denied"], 1, "{denied}");
    assert_eq!(&denied["releases"][0]["decision"], decision);
    let group = &denied["reasons"][0];
    assert_eq!(group["reason"], "never: nothing is good enough");
    assert_eq!(
        (&group["flow"], &group["releases"]),
        (&"web".into(), &1.into())
    );
    let with = |further: &[&str]| world.run(&[&impact[..], further].concat()).expect(0).json();
    assert_eq!(with(&["--instead-of", "unit-tested"])["would_be_denied"], 1);
    assert_eq!(with(&["--instead-of", "nobody"])["untouched"], 1);
    for elsewhere in [
        ["--flow", "other"],
        ["--environment", "staging"],
        ["--until", "2026-01-02"],
    ] {
        assert_eq!(with(&elsewhere)["decisions"], 0, "{elsewhere:?}");
    }
    assert_eq!(with(&["--limit", "0"])["releases_left_off"], 1);
    let page = world.run(&impact[..5]).expect(0).stdout;
    assert!(page.contains("never: nothing is good enough"), "{page}");

    exported.changed("journal.bundle", |bytes| {
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
    });
    world
        .run(&["replay", "--all", "--bundle", "changed"])
        .expect(4);
    world
        .run(&["policy", "impact", "never.rego", "--bundle", "changed"])
        .expect(4);

    let server = Server::start(world, &["--solo"]);
    for arguments in [
        &["replay", "--all"][..],
        &["policy", "impact", "never.rego"],
    ] {
        let reached = [
            "--url",
            &server.url,
            "--token",
            &exported.token,
            "--key",
            &exported.log_key,
            "--json",
        ];
        let answer = world
            .run(&[arguments, &reached[..]].concat())
            .expect(0)
            .json();
        assert_eq!(answer["decisions"], 1, "{answer}");
    }
    assert_eq!(server.stop(), 0);
}
