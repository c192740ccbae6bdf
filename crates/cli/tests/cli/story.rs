//! The five steps, typed.

use std::fs;

use crate::evidence::{JUNIT, TEMPLATE, sarif};
use crate::transcript::Transcript;
use crate::world::{Server, User, World};

#[test]
fn a_commit_walks_to_production_recorded_decided_and_provable() {
    let world = World::new();
    world.file("src/main.c", "int main(void) { return 0; }");
    world.commit("ann", "Do nothing, well");
    world.file("flow.yaml", TEMPLATE);
    world.file("junit.xml", JUNIT);
    world.file("clean.sarif", &sarif(&[]));
    world.file("leak.sarif", &sarif(&["error"]));
    world.file("web", "a program");
    fs::create_dir(world.work().join("production")).unwrap();

    let server = Server::start(&world, &["--solo", "--people-by-key", "--name", "acme"]);
    let admin = User::admin(&world, &server);
    let mut story = Transcript::default();
    let person = |name: &str| {
        let alias = format!("email:{name}@example.com");
        let added = admin.ask(&["person", "add", name, "--alias", &alias]);
        let person = added["person"].as_str().unwrap().to_owned();
        admin.with_key(&[
            name, "--role", "approver", "--flow", "web", "--person", &person,
        ])
    };
    let (ann, rita) = (person("ann"), person("rita"));
    let ci = admin.with_key(&["ci", "--role", "reporter,snapshotter", "--flow", "web"]);

    // What must be so before anything may be released.
    story.tell(
        "admin",
        &admin,
        &["flow", "create", "web", "--template", "flow.yaml"],
    );
    story.tell("admin", &admin, &["env", "create", "production"]);
    for policy in ["unit-tested", "security-scanned", "four-eyes"] {
        story.tell("admin", &admin, &["policy", "publish", policy, "--stock"]);
    }
    story.tell(
        "admin",
        &admin,
        &[
            "policy",
            "bind",
            "unit-tested",
            "--environment",
            "production",
        ],
    );
    story.tell(
        "admin",
        &admin,
        &["policy", "bind", "security-scanned", "--flow", "web"],
    );
    story.tell(
        "admin",
        &admin,
        &["policy", "bind", "four-eyes", "--everything"],
    );
    story.tell("admin", &admin, &["policy", "list"]);

    // Black box and binary provenance.
    story.tell("ci", &ci, &["trail", "begin", "t1", "--flow", "web"]);
    story.tell(
        "ci",
        &ci,
        &[
            "artifact", "record", "web", "--flow", "web", "--trail", "t1",
        ],
    );
    story.tell(
        "ci",
        &ci,
        &[
            "attest",
            "junit",
            "junit.xml",
            "--flow",
            "web",
            "--trail",
            "t1",
            "--artifact",
            "web",
        ],
    );
    story.tell("ci", &ci, &["trail", "show", "t1", "--flow", "web"]);

    // Controls and segregation of duties.
    let decide = ["decide", "web", "--environment", "production"];
    story.tell("ci", &ci, &decide).expect(3);
    let scan = |report| {
        [
            "attest",
            "sarif",
            report,
            "--flow",
            "web",
            "--trail",
            "t1",
            "--artifact",
            "web",
        ]
    };
    story.tell("ci", &ci, &scan("clean.sarif"));
    story.tell(
        "ci",
        &ci,
        &["approval", "request", "web", "--environment", "production"],
    );
    let approve = ["approve", "web", "--environment", "production"];
    story.tell("ann", &ann, &approve).expect(0);
    story.tell("ci", &ci, &decide).expect(3);
    story.tell("rita", &rita, &approve).expect(0);
    story
        .tell(
            "ci",
            &ci,
            &[
                &decide[..],
                &["--permit", "deploy", "--permit-file", "permit.json"],
            ]
            .concat(),
        )
        .expect(0);
    story.tell("ci", &ci, &scan("leak.sarif"));
    story.tell("ci", &ci, &decide).expect(3);
    story.tell(
        "ci",
        &ci,
        &["approval", "list", "web", "--environment", "production"],
    );
    story.tell("ci", &ci, &scan("clean.sarif"));
    story.tell("rita", &rita, &approve).expect(0);
    story.tell("ci", &ci, &decide).expect(0);
    story.tell("ci", &ci, &["trail", "show", "t1", "--flow", "web"]);

    // The environment's change log.
    let snapshot = ["env", "snapshot", "production", "--path", "production"];
    story.tell("ci", &ci, &snapshot);
    fs::copy(
        world.work().join("web"),
        world.work().join("production/web"),
    )
    .unwrap();
    story.tell("ci", &ci, &["env", "show", "production"]);
    story.tell(
        "ci",
        &ci,
        &[
            "deployment",
            "report",
            "production/web",
            "--environment",
            "production",
        ],
    );
    story.tell("ci", &ci, &snapshot);
    story.tell("ci", &ci, &snapshot);
    story.tell("ci", &ci, &["env", "show", "production"]);
    story.tell("ci", &ci, &["env", "show", "production", "--at", "1h"]);
    story.tell("ci", &ci, &["env", "diff", "production", "--from", "1h"]);
    story.tell("ci", &ci, &["env", "log", "production"]);
    story.tell("ci", &ci, &["artifact", "show", "web"]);

    // Provable, by a stranger who has no server.
    story.tell(
        "ci",
        &ci,
        &["export", "--artifact", "web", "--output", "web.bundle"],
    );
    story.tell("ci", &ci, &["export", "--output", "journal.bundle"]);
    let key = fs::read_to_string(world.data().join("keys/log.vkey")).unwrap();
    assert_eq!(server.stop(), 0);
    let stranger = ci;
    story
        .tell("stranger", &stranger, &["verify", "web.bundle"])
        .expect(0);
    story
        .tell(
            "stranger",
            &stranger,
            &["verify", "journal.bundle", "--key", key.trim()],
        )
        .expect(0);
    story
        .tell("stranger", &stranger, &["replay", "--bundle", "web.bundle"])
        .expect(0);
    insta::assert_snapshot!(story.text());
}
