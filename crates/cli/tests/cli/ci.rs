//! What commands find out by themselves: from the CI system, from git, from what was recorded before.

use serde_json::Value;

use crate::world::{Server, User, World};

const SHA: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b";

struct Shop<'a> {
    admin: User<'a>,
    ci: User<'a>,
}

impl<'a> Shop<'a> {
    fn new(world: &'a World, server: &Server) -> Self {
        let admin = User::admin(world, server);
        admin.ask(&["flow", "create", "web"]);
        admin.ask(&["env", "create", "production"]);
        let ci = admin.with_key(&["ci", "--role", "reporter", "--flow", "web"]);
        Self { admin, ci }
    }

    fn record(&self, trail: &str, arguments: &[&str]) -> String {
        self.ci.ask(&["trail", "begin", trail, "--flow", "web"]);
        let record = [
            "artifact", "record", "web", "--flow", "web", "--trail", trail,
        ];
        self.ci.ask(&[&record, arguments].concat());
        let fingerprint = self.ci.ask(&["fingerprint", "web"])["fingerprint"].clone();
        fingerprint.as_str().unwrap().to_owned()
    }

    fn dossier(&self, fingerprint: &str) -> Value {
        self.admin.ask(&[
            "artifact",
            "dossier",
            fingerprint,
            "--environment",
            "production",
        ])
    }

    fn provenance(&self, fingerprint: &str) -> Value {
        let dossier = self.dossier(fingerprint);
        let attestations = dossier["attestations"].as_array().unwrap().clone();
        let found = attestations
            .into_iter()
            .rev()
            .find(|found| found["type"] == "provenance");
        found.unwrap()["facts"].clone()
    }
}

#[test]
fn in_a_ci_system_commit_repository_and_build_come_from_the_environment() {
    let world = World::new();
    let server = Server::start(&world, &[]);
    let shop = Shop::new(&world, &server);
    let mut begin = shop.ci.command(&["trail", "begin", "--json"]);
    begin
        .env("TRAILMARK_FLOW", "web")
        .env("TRAILMARK_TRAIL", "run-7")
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_SHA", SHA)
        .env("GITHUB_SERVER_URL", "https://github.com")
        .env("GITHUB_REPOSITORY", "acme/web")
        .env("GITHUB_RUN_ID", "7");
    assert!(begin.output().unwrap().status.success());
    let trail = shop.admin.ask(&["trail", "show", "run-7", "--flow", "web"]);
    let fields = &trail["entries"][0]["fields"];
    assert_eq!(fields["commit"], SHA);
    assert_eq!(fields["repository"], "https://github.com/acme/web");
    assert_eq!(
        fields["build_url"],
        "https://github.com/acme/web/actions/runs/7"
    );
}

#[test]
fn the_change_goes_back_to_the_flows_artifact_before_with_everyone_who_took_part() {
    let world = World::new();
    let server = Server::start(&world, &[]);
    let shop = Shop::new(&world, &server);

    world.file("web", "one");
    let first_commit = world.commit("ann", "One");
    let first = shop.record("t1", &[]);
    let provenance = shop.provenance(&first);
    assert_eq!(provenance["repository"], "https://git.example/acme/web.git");
    assert_eq!(provenance["builder"], "local");
    assert_eq!(provenance["commit"], first_commit.as_str());
    assert_eq!(provenance["previous"], Value::Null);
    assert_eq!(provenance["commits"].as_array().unwrap().len(), 1);

    world.file("web", "two");
    world.commit("bob", "Two\n\nCo-authored-by: Cy <cy@example.com>");
    world.commit("dan", "Three");
    let second = shop.record("t2", &[]);
    let provenance = shop.provenance(&second);
    assert_eq!(provenance["previous"], first.as_str());
    let commits = provenance["commits"].as_array().unwrap();
    assert_eq!(commits.len(), 2, "{commits:?}");
    // Nobody is registered: Bob and Cy are two people, Dan is one.
    assert_eq!(
        (&commits[0]["unregistered"], &commits[1]["unregistered"]),
        (&2.into(), &1.into())
    );

    // The same commit built again, otherwise: that commit is the change.
    world.file("web", "two, once more");
    let third = shop.record("t3", &[]);
    let provenance = shop.provenance(&third);
    assert_eq!(provenance["previous"], second.as_str());
    assert_eq!(provenance["commits"].as_array().unwrap().len(), 1);

    // By hand.
    world.file("web", "three");
    let fourth = shop.record(
        "t4",
        &["--commits-since", &first_commit, "--previous", &first],
    );
    let provenance = shop.provenance(&fourth);
    assert_eq!(provenance["previous"], first.as_str());
    assert_eq!(provenance["commits"].as_array().unwrap().len(), 2);
    let material = format!("pkg:cargo/serde@1=sha256:{first}");
    world.file("web", "four");
    let fifth = shop.record(
        "t5",
        &[
            "--no-commits",
            "--builder",
            "hand",
            "--material",
            &material,
            "--contains",
            &first,
        ],
    );
    let provenance = shop.provenance(&fifth);
    assert_eq!(provenance["commits"], Value::Array(Vec::new()));
    assert_eq!(provenance["materials"][0]["uri"], "pkg:cargo/serde@1");
    assert_eq!(provenance["contains"][0], first.as_str());
}

#[test]
fn a_commit_that_git_does_not_know_is_recorded_without_its_authors_and_that_is_said() {
    let world = World::new();
    let server = Server::start(&world, &[]);
    let shop = Shop::new(&world, &server);
    world.file("web", "one");
    world.commit("ann", "One");
    shop.ci.ask(&["trail", "begin", "t1", "--flow", "web"]);
    let record = [
        "artifact", "record", "web", "--flow", "web", "--trail", "t1", "--commit", SHA,
    ];
    let done = shop.ci.run(&record).expect(0);
    assert!(done.stderr.starts_with("note: commit `9f86"), "{done:?}");
    let wrong = shop
        .ci
        .run(&[&record[..], &["--commits-since", "no-such-tag"]].concat())
        .expect(2);
    assert!(
        wrong.stderr.contains("git knows no commit `no-such-tag`"),
        "{wrong:?}"
    );
}

#[test]
fn the_same_key_records_an_event_once() {
    let world = World::new();
    let server = Server::start(&world, &[]);
    let shop = Shop::new(&world, &server);
    world.file("junit.xml", crate::evidence::JUNIT);
    shop.ci.ask(&[
        "trail",
        "begin",
        "t1",
        "--flow",
        "web",
        "--idempotency-key",
        "begin-t1",
    ]);
    let attest = [
        "attest",
        "junit",
        "junit.xml",
        "--flow",
        "web",
        "--trail",
        "t1",
        "--idempotency-key",
        "unit-7",
    ];
    let first = shop.ci.ask(&attest);
    let again = shop.ci.ask(&attest);
    assert_eq!(
        (&first["replayed"], &again["replayed"]),
        (&false.into(), &true.into())
    );
    assert_eq!(first["receipt"], again["receipt"]);
    let other = [&attest[..], &["--name", "other"]].concat();
    let conflict = shop.ci.run(&other).expect(1);
    assert!(conflict.stderr.contains("idempotency key"), "{conflict:?}");
}

#[test]
fn a_deployment_is_reported_for_the_flow_that_its_artifact_was_recorded_in() {
    let world = World::new();
    let server = Server::start(&world, &[]);
    let shop = Shop::new(&world, &server);
    world.file("web", "one");
    world.commit("ann", "One");
    let unknown = shop
        .ci
        .run(&["deployment", "report", "web", "--environment", "production"])
        .expect(1);
    assert!(unknown.stderr.contains("does not exist"), "{unknown:?}");
    shop.record("t1", &["--name", "the shop"]);
    shop.ci
        .ask(&["deployment", "report", "web", "--environment", "production"]);
    let log = shop.admin.ask(&["env", "log", "production"]);
    assert_eq!(
        (&log[0]["fields"]["flow"], &log[0]["fields"]["name"]),
        (&"web".into(), &"the shop".into())
    );
}
