//! Policies with what comes with them: published, shown, bound, excepted from, pushed and pulled.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use crate::transcript::Transcript;
use crate::world::{Server, User, World};

const REGO: &str = "package careful
import rego.v1
default allow := false
allow if every finding in findings { finding.status == \"satisfied\" }
findings contains {\"control\": \"careful\", \"status\": status, \"reason\": \"as its parameters say\", \"entries\": []} if {
	some status in {\"satisfied\": [\"satisfied\"], \"failed\": [\"failed\"]}[input.parameters.status]
}
";
const SCHEMA: &str = r#"{"type": "object", "required": ["status"], "properties": {"status": {"enum": ["satisfied", "failed"]}}}"#;

/// A folder of a policy's author.
fn folder(world: &World) {
    world.file(
        "careful/policy.yaml",
        "name: careful\nlanguage: rego\nparameters: schema.json\n",
    );
    world.file("careful/policy.rego", REGO);
    world.file("careful/schema.json", SCHEMA);
    world.file("careful/cases.yaml", "[]\n");
}

/// Publishes a folder, living with whatever its check finds: it is made for a test.
fn published(user: &User<'_>, folder: &str) -> serde_json::Value {
    let check = user.run(&["policy", "check", folder, "--json"]).json();
    let mut words = vec!["policy", "publish", folder];
    for finding in check["open"].as_array().unwrap() {
        words.extend([
            "--accept",
            finding.as_str().unwrap(),
            "--reason",
            "it is made for a test",
        ]);
    }
    user.ask(&words)
}

fn server(world: &World, solo: bool) -> Server {
    let solo: &[&str] = if solo { &["--solo"] } else { &[] };
    Server::start(
        world,
        &[&["--people-by-key", "--name", "acme"][..], solo].concat(),
    )
}

fn person<'a>(admin: &User<'a>, name: &str) -> User<'a> {
    let alias = format!("email:{name}@example.com");
    let added = admin.ask(&["person", "add", name, "--alias", &alias]);
    let person = added["person"].as_str().unwrap().to_owned();
    admin.with_key(&[name, "--role", "policy-author", "--person", &person])
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
}

#[test]
fn a_policy_is_published_with_what_is_in_its_folder_and_bound_as_its_schema_says() {
    let world = World::new();
    folder(&world);
    let server = server(&world, true);
    let admin = User::admin(&world, &server);
    admin.ask(&["env", "create", "production"]);
    admin.ask(&["flow", "create", "web"]);
    let mut story = Transcript::default();
    story
        .tell("admin", &admin, &["policy", "publish", "careful"])
        .expect(1);
    let entry = published(&admin, "careful");
    assert_eq!(published(&admin, "careful"), entry, "it is published once");
    story
        .tell("admin", &admin, &["policy", "show", "careful"])
        .expect(0);
    let production = ["policy", "bind", "careful", "--environment", "production"];
    story.tell("admin", &admin, &production).expect(2);
    let wrong = [&production[..], &["--parameters", r#"{"status":"open"}"#]].concat();
    story.tell("admin", &admin, &wrong).expect(2);
    let fits = ["--parameters", r#"{"status":"satisfied"}"#];
    for place in [
        &["--environment", "production"][..],
        &["--flow", "web", "--advisory"],
        &["--everything", "--from", "14d"],
    ] {
        let bind = [&["policy", "bind", "careful"][..], place, &fits].concat();
        story.tell("admin", &admin, &bind).expect(0);
    }
    story
        .tell("admin", &admin, &["policy", "show", "careful"])
        .expect(0);
    story
        .tell("admin", &admin, &["policy", "show", "careless"])
        .expect(2);
    insta::assert_snapshot!(story.text());
}

#[test]
fn an_exception_is_granted_by_two_and_shown_in_what_it_lets_pass() {
    let world = World::new();
    folder(&world);
    let server = server(&world, false);
    let admin = User::admin(&world, &server);
    let (ann, rita, tom) = (
        person(&admin, "ann"),
        person(&admin, "rita"),
        person(&admin, "tom"),
    );
    // Who wrote a commit is found when its artifact is recorded.
    recorded(&world, &admin);
    published(&rita, "careful");
    let bind = [
        "policy",
        "bind",
        "careful",
        "--everything",
        "--parameters",
        r#"{"status":"failed"}"#,
    ];
    let binding = rita.ask(&bind)["entry"].as_str().unwrap().to_owned();
    tom.ask(&["policy", "endorse", &binding]);
    let decide = ["decide", "web", "--environment", "production"];
    let ci = admin.with_key(&["ci2", "--role", "reporter", "--flow", "web"]);

    let mut story = Transcript::default();
    story.tell("ci", &ci, &decide).expect(3);
    let grant = |who: &User<'_>, subject: &[&str]| {
        let words = [
            "policy",
            "except",
            &binding,
            "--environment",
            "production",
            "--until",
            "7d",
        ];
        let why = ["--reason", "it is careful all the same"];
        who.ask(&[&words[..], &why, subject].concat())["entry"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    // The author of the change.
    let own = grant(&ann, &["--artifact", "web"]);
    tom.ask(&["policy", "endorse", &own]);
    story.tell("ci", &ci, &decide).expect(3);
    let exception = grant(&rita, &["--flow", "web", "--control", "careful"]);
    story.tell("ci", &ci, &decide).expect(3);
    story
        .tell("rita", &rita, &["policy", "endorse", &exception])
        .expect(2);
    story
        .tell("tom", &tom, &["policy", "endorse", &exception])
        .expect(0);
    let permit = ["--permit", "deploy", "--permit-file", "permit.json"];
    story
        .tell("ci", &ci, &[&decide[..], &permit].concat())
        .expect(0);
    story.tell("ci", &ci, &["policy", "exceptions"]).expect(0);
    story
        .tell(
            "rita",
            &rita,
            &["policy", "withdraw", &exception, "--reason", "it is not"],
        )
        .expect(0);
    story.tell("ci", &ci, &decide).expect(3);
    story.tell("ci", &ci, &["policy", "exceptions"]).expect(0);
    ci.ask(&["export", "--output", "journal.bundle"]);
    let key = fs::read_to_string(world.data().join("keys/permit.pub")).unwrap();
    assert_eq!(server.stop(), 0);
    let check = [
        "permit",
        "verify",
        "permit.json",
        "--key",
        key.trim(),
        "--artifact",
        "web",
        "--environment",
        "production",
        "--audience",
        "deploy",
    ];
    story.tell("stranger", &ci, &check).expect(0);
    story
        .tell("stranger", &ci, &["replay", "--bundle", "journal.bundle"])
        .expect(0);
    insta::assert_snapshot!(story.text());
}

/// A registry on this machine, where there is one to run. It ends with the test.
struct Registry {
    child: Child,
    host: String,
}

impl Registry {
    /// Starts the registry that the environment names, in memory, on a free port.
    fn start(world: &World) -> Option<Self> {
        let Some(program) = std::env::var_os("TRAILMARK_TEST_REGISTRY") else {
            let required =
                std::env::var("TRAILMARK_TEST_GO").is_ok_and(|value| value == "required");
            assert!(!required, "`TRAILMARK_TEST_REGISTRY` names no registry");
            println!("left out: `TRAILMARK_TEST_REGISTRY` names no registry");
            return None;
        };
        world.file("registry.yaml", "version: 0.1\nlog: { level: info, formatter: json }\nstorage: { inmemory: {} }\nhttp: { addr: \"127.0.0.1:0\" }\n");
        let mut child = Command::new(program)
            .args(["serve", "registry.yaml"])
            .current_dir(world.work())
            .env("OTEL_TRACES_EXPORTER", "none")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let host = lines.by_ref().find_map(|line| {
            let line = line.unwrap();
            let (_, rest) = line.split_once("listening on ")?;
            let end = rest.find(|char: char| char != '.' && char != ':' && !char.is_ascii_digit());
            Some(rest[..end.unwrap_or(rest.len())].to_owned())
        });
        // Read on, so that the registry never waits for its log to be read.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self {
            child,
            host: host.expect("the registry ended"),
        })
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_policy_comes_out_of_a_registry_as_it_went_in() {
    let world = World::new();
    let Some(registry) = Registry::start(&world) else {
        return;
    };
    folder(&world);
    let server = server(&world, true);
    let admin = User::admin(&world, &server);
    let first = published(&admin, "careful")["policy"].clone();
    let to = format!("oci://{}/policies/careful", registry.host);
    let of_folder = admin.ask(&["policy", "push", "careful/", &to]);
    let of_entry = admin.ask(&[
        "policy",
        "push",
        first.as_str().unwrap(),
        &format!("{to}:v1"),
    ]);
    assert_eq!(of_folder["policy"], of_entry["policy"]);
    assert_eq!(of_entry["tag"], "v1");
    let address = of_entry["address"].as_str().unwrap();
    let pulled = admin.ask(&["policy", "pull", address, "--output", "pulled"]);
    assert_eq!(pulled["policy"], of_folder["policy"]);
    let again = published(&admin, "pulled");
    assert_eq!(again["policy"], first, "nothing was lost on the way");
    admin
        .run(&["policy", "pull", address, "--output", "pulled"])
        .expect(2);

    // Signatures travel with it: those on record, and others that are named.
    for (name, pem) in [
        (
            "ed25519",
            concat!(
                "-----BEGIN ",
                "PRIVATE KEY-----\n",
                include_str!("../../../recorder/tests/keys/ed25519.base64"),
                "-----END ",
                "PRIVATE KEY-----\n"
            ),
        ),
        (
            "p256",
            concat!(
                "-----BEGIN ",
                "PRIVATE KEY-----\n",
                include_str!("../../../recorder/tests/keys/p256.base64"),
                "-----END ",
                "PRIVATE KEY-----\n"
            ),
        ),
    ] {
        let (key, bundle) = (format!("{name}.pem"), format!("{name}.json"));
        world.file(&key, pem);
        admin.ask(&[
            "policy", "sign", "careful", "--key", &key, "--output", &bundle,
        ]);
    }
    let public = include_str!("../../../recorder/tests/keys/ed25519.pub");
    world.file("ed25519.pub", public);
    world.file(
        "other.pub",
        include_str!("../../../recorder/tests/keys/other.pub"),
    );
    admin.ask(&["policy", "attach", first.as_str().unwrap(), "ed25519.json"]);
    let push = ["policy", "push", first.as_str().unwrap(), &to];
    let signed = admin.ask(&[&push[..], &["--signature", "p256.json"]].concat());
    assert_eq!(signed["signatures"], 2);
    let signed = signed["address"].as_str().unwrap();
    let pull = |key, to| admin.run(&["policy", "pull", signed, "--key", key, "--output", to]);
    pull("other.pub", "unsigned").expect(4);
    assert!(!world.work().join("unsigned").exists());
    pull("ed25519.pub", "signed").expect(0);
    let bundle = |path: &str| fs::read(world.work().join(path)).unwrap();
    assert_eq!(
        bundle("signed/signature-1.sigstore.json"),
        bundle("ed25519.json")
    );
    assert_eq!(
        bundle("signed/signature-2.sigstore.json"),
        bundle("p256.json")
    );
    let verify = [
        "policy",
        "verify",
        "signed/signature-1.sigstore.json",
        "--key",
        "ed25519.pub",
        "signed",
    ];
    admin.run(&verify).expect(0);

    // A component travels, too; and a tag is not pulled.
    let stock = admin.ask(&["policy", "publish", "four-eyes", "--stock=component"]);
    let entry = stock["policy"].as_str().unwrap();
    let pushed = admin.ask(&["policy", "push", entry, &to]);
    let pulled = admin.ask(&[
        "policy",
        "pull",
        pushed["address"].as_str().unwrap(),
        "--output",
        "eyes",
    ]);
    assert_eq!(pulled["language"], "component");
    assert_eq!(pulled["policy"], pushed["policy"]);
    admin
        .run(&["policy", "pull", &format!("{to}:v1")])
        .expect(2);
    let other = format!("{to}@sha256:{}", "0".repeat(64));
    admin.run(&["policy", "pull", &other]).expect(1);
}

#[test]
fn what_a_registry_changes_is_found() {
    // A registry that answers every question with bytes of its own.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = BufReader::new(stream.try_clone().unwrap());
            let mut line = String::new();
            while request.read_line(&mut line).is_ok_and(|read| read > 2) {
                line.clear();
            }
            let body = r#"{"schemaVersion":2,"layers":[]}"#;
            let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/vnd.oci.image.manifest.v1+json";
            let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            let _ = std::io::Write::write_all(&mut stream, answer.as_bytes());
        }
    });
    let world = World::new();
    let address = format!("oci://{host}/policies/careful@sha256:{}", "1".repeat(64));
    let refused = world.run(&["policy", "pull", &address]).expect(1);
    assert!(refused.stderr.contains("igest"), "{refused:?}");
    assert!(!world.work().join("careful").exists());
}
