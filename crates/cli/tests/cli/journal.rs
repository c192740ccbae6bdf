//! Journals as a whole: made on AWS, and moved from home to home. Local servers play Amazon's services.

use std::fs;

use serde_json::{Value, json};

use crate::evidence::JUNIT;
use crate::world::{Done, Server, User, World};

const KEYS: [&str; 5] = ["log", "receipt", "permit", "alias", "cache"];

/// A table and a bucket of a test's own.
struct Cloud {
    dynamodb: String,
    s3: String,
    home: String,
}

impl Cloud {
    /// Makes them, as a stack does; nothing where the servers are to be left out.
    fn new(name: &str) -> Option<Self> {
        let find = |name: &str| {
            let found = std::env::var(name).ok();
            let required = std::env::var("TRAILMARK_TEST_AWS").as_deref() == Ok("required");
            assert!(found.is_some() || !required, "`{name}` is not set");
            if found.is_none() {
                println!("left out: `{name}` is not set");
            }
            found
        };
        let (dynamodb, s3) = (find("TRAILMARK_TEST_DYNAMODB")?, find("TRAILMARK_TEST_S3")?);
        let name = format!("cli-{name}-{}", std::process::id());
        let table = json!({
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [
                { "AttributeName": "pk", "AttributeType": "S" }, { "AttributeName": "sk", "AttributeType": "S" },
            ],
            "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }, { "AttributeName": "sk", "KeyType": "RANGE" }],
        });
        ureq::post(&dynamodb)
            .header("Content-Type", "application/x-amz-json-1.0")
            .header("X-Amz-Target", "DynamoDB_20120810.CreateTable")
            .header("Authorization", authorization("dynamodb"))
            .send(table.to_string())
            .unwrap();
        ureq::put(format!("{s3}/{name}"))
            .header("Authorization", authorization("s3"))
            .send_empty()
            .unwrap();
        Some(Self {
            dynamodb,
            s3,
            home: format!("aws:{name}/{name}"),
        })
    }

    fn run(&self, world: &World, arguments: &[&str]) -> Done {
        let mut command = world.trailmark();
        command
            .args(arguments)
            .env("TRAILMARK_DYNAMODB_ENDPOINT", &self.dynamodb)
            .env("TRAILMARK_S3_ENDPOINT", &self.s3)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_REGION", "us-east-1");
        Done::of(command.output().unwrap())
    }
}

/// The servers look for whose table it is, and check no signature.
fn authorization(service: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
    )
}

fn records(done: &Done) -> Vec<Value> {
    done.stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_journal_is_created_on_aws_once_with_all_its_keys() {
    let Some(cloud) = Cloud::new("create") else {
        return;
    };
    let world = World::new();
    let key = |name: &str| format!("file:{}", world.path(&format!("{name}.key")).display());
    let sources = KEYS.map(|name| [format!("--{name}-key"), key(name)]);
    let on = [cloud.home.as_str(), "--journal", "trailmark/acme"];
    let create: Vec<&str> = ["journal", "create", "--json"]
        .into_iter()
        .chain(on)
        .chain(sources.iter().flatten().map(String::as_str))
        .collect();

    let absent = cloud
        .run(&world, &[&["journal", "monitor"], &on[..]].concat())
        .expect(1);
    assert!(
        absent.stderr.contains("there is no journal in it"),
        "{absent:?}"
    );
    let created = records(&cloud.run(&world, &create).expect(0));
    assert!(
        created[0]["log_key"]
            .as_str()
            .unwrap()
            .starts_with("trailmark/acme+")
    );
    assert!(
        created[1]["first_admin_key"]["token"]
            .as_str()
            .unwrap()
            .starts_with("tm_")
    );
    let keys = || KEYS.map(|name| fs::read_to_string(world.path(&format!("{name}.key"))).unwrap());
    let made = keys();
    let again = cloud.run(&world, &create).expect(1);
    assert!(
        again.stderr.contains("there is a journal in it already"),
        "{again:?}"
    );
    assert_eq!(keys(), made);

    let watched = cloud.run(
        &world,
        &[&["journal", "monitor", "--json"], &on[..]].concat(),
    );
    let watched = watched.expect(0).json();
    assert_eq!(
        (&watched["size"], &watched["waiting"]),
        (&json!(2), &json!(0))
    );
    let log_key = key("log");
    let seal = [
        &["journal", "seal", "--log-key", &log_key, "--json"],
        &on[..],
    ]
    .concat();
    assert_eq!(cloud.run(&world, &seal).expect(0).json()["sealed"], 0);
    let other = key("permit");
    let seal = [&["journal", "seal", "--log-key", &other], &on[..]].concat();
    cloud.run(&world, &seal).expect(1);
}

/// A journal with a decision, and the server that has it.
fn decided(world: &World, server: &Server) -> String {
    world.file("web", "a program");
    world.file("junit.xml", JUNIT);
    world.commit("ann", "Do nothing, well");
    let admin = User::admin(world, server);
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
    let ci = admin.with_key(&["ci", "--role", "reporter", "--flow", "web"]);
    ci.ask(&["trail", "begin", "t1", "--flow", "web"]);
    let on = ["--flow", "web", "--trail", "t1"];
    ci.ask(&[&["artifact", "record", "web"], &on[..]].concat());
    ci.ask(
        &[
            &["attest", "junit", "junit.xml", "--artifact", "web"],
            &on[..],
        ]
        .concat(),
    );
    ci.ask(&["decide", "web", "--environment", "production"]);
    admin.ask(&["export", "--output", "before.bundle"]);
    server.first_key().unwrap().to_owned()
}

#[test]
fn a_journal_moves_to_aws_and_back_and_its_decisions_replay_the_same() {
    let Some(cloud) = Cloud::new("copy") else {
        return;
    };
    let world = World::new();
    let server = Server::start(&world, &["--solo"]);
    let token = decided(&world, &server);
    let data = world.data().display().to_string();
    let held = cloud
        .run(&world, &["journal", "copy", &data, &cloud.home])
        .expect(1);
    assert!(held.stderr.contains("another process uses it"), "{held:?}");
    assert_eq!(server.stop(), 0);

    let sofar = cloud.run(&world, &["journal", "copy", &data, &cloud.home, "--json"]);
    let sofar = sofar.expect(0).json();
    assert_eq!(
        (&sofar["written"], &sofar["finished"]),
        (&sofar["size"], &json!(false))
    );
    let journal = sofar["journal"].as_str().unwrap();
    let on = ["--journal", journal];
    let back = world.path("back").display().to_string();
    let out = [
        &["journal", "copy", &cloud.home, &back, "--last", "--json"],
        &on[..],
    ]
    .concat();
    let early = cloud.run(&world, &out).expect(1);
    assert!(
        early.stderr.contains("there is no journal in it"),
        "{early:?}"
    );
    let last = cloud.run(
        &world,
        &["journal", "copy", &data, &cloud.home, "--last", "--json"],
    );
    let last = last.expect(0).json();
    assert_eq!(
        (&last["written"], &last["root"]),
        (&json!(0), &sofar["root"])
    );
    let again = cloud
        .run(&world, &["journal", "copy", &data, &cloud.home])
        .expect(1);
    assert!(
        again.stderr.contains("there is a journal in it already"),
        "{again:?}"
    );

    let moved = cloud.run(&world, &out).expect(0).json();
    assert_eq!(
        (&moved["root"], &moved["log_key"]),
        (&last["root"], &last["log_key"])
    );
    fs::rename(world.data(), world.path("old")).unwrap();
    fs::rename(world.path("back"), world.data()).unwrap();
    fs::rename(world.path("old").join("keys"), world.data().join("keys")).unwrap();
    let server = Server::start(&world, &[]);
    let admin = User::new(&world, &server, &token);
    admin.ask(&["export", "--output", "after.bundle"]);
    world.run(&["verify", "after.bundle"]).expect(0);
    let replay = |bundle| {
        world
            .run(&["replay", "--bundle", bundle, "--json"])
            .expect(0)
            .json()
    };
    assert_eq!(replay("before.bundle"), replay("after.bundle"));
}

#[test]
fn what_is_no_home_is_refused() {
    let world = World::new();
    for wrong in [
        ["aws:table", "copy"],
        ["data", "aws:table/"],
        ["data", "data"],
    ] {
        world
            .run(&[&["journal", "copy"], &wrong[..]].concat())
            .expect(2);
    }
    let absent = world.run(&["journal", "copy", "nothing", "copy"]).expect(1);
    assert!(
        absent.stderr.contains("there is no journal in it"),
        "{absent:?}"
    );
    assert!(!world.work().join("copy").exists() && !world.work().join("nothing").exists());
}
