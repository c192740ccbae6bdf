//! What the client does when things are not as they should be.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use crate::world::{Done, Server, User, World};

const TOKEN: &str =
    "tm_0123456789abcdef_00000000000000000000000000000000000000000000000000000000000000aa";

/// Answers one connection after the other: `None` hangs up. Returns the headers of all requests.
fn answering(answers: Vec<Option<&'static str>>) -> (String, thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = thread::spawn(move || {
        let mut asked = Vec::new();
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            asked.push(read(&stream));
            if let Some(answer) = answer {
                stream.write_all(answer.as_bytes()).unwrap();
            }
        }
        asked
    });
    (url, served)
}

/// Reads a request, and returns its headers.
fn read(stream: &TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let mut headers = String::new();
    while !headers.ends_with("\r\n\r\n") {
        assert!(reader.read_line(&mut headers).unwrap() > 0);
    }
    let length = header(&headers, "content-length").map_or(0, |length| length.parse().unwrap());
    reader.read_exact(&mut vec![0; length]).unwrap();
    headers
}

fn header(headers: &str, name: &str) -> Option<String> {
    headers.lines().find_map(|line| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then(|| value.to_owned())
    })
}

fn run(world: &World, url: &str, arguments: &[&str]) -> Done {
    world.run(&[arguments, &["--url", url, "--token", TOKEN]].concat())
}

const RECORDED: &str = "HTTP/1.1 201 Created\r\ncontent-length: 28\r\nconnection: close\r\n\r\n{\"entry\":\"00\",\"index\":1    }";
const BUSY: &str =
    "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

#[test]
fn an_event_that_was_lost_is_sent_again_under_the_same_key() {
    let world = World::new();
    let (url, served) = answering(vec![None, Some(BUSY), Some(RECORDED)]);
    run(&world, &url, &["trail", "begin", "t1", "--flow", "web"]).expect(0);
    let asked = served.join().unwrap();
    let keys: Vec<_> = asked
        .iter()
        .map(|headers| header(headers, "idempotency-key").unwrap())
        .collect();
    assert_eq!(keys.len(), 3);
    assert!(
        keys.iter().all(|key| *key == keys[0] && key.len() == 32),
        "{keys:?}"
    );
    assert!(
        asked[0]
            .to_lowercase()
            .contains(&format!("authorization: bearer {TOKEN}"))
    );
}

#[test]
fn what_has_no_key_is_sent_once() {
    let world = World::new();
    let (url, served) = answering(vec![None]);
    run(&world, &url, &["env", "create", "production"]).expect(1);
    assert_eq!(served.join().unwrap().len(), 1);
}

#[test]
fn what_is_no_recorder_is_named_and_never_followed() {
    let world = World::new();
    let moved = "HTTP/1.1 302 Found\r\nlocation: http://192.0.2.1/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let (url, served) = answering(vec![Some(moved)]);
    let done = run(&world, &url, &["flow", "list"]).expect(1);
    assert!(done.stderr.contains("answered with status 302"), "{done:?}");
    served.join().unwrap();
    let nobody = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let done = run(&world, &format!("http://{nobody}"), &["flow", "list"]).expect(1);
    assert!(
        done.stderr.contains("could not reach the recorder"),
        "{done:?}"
    );
    assert!(
        done.stderr
            .contains("hint: start one with `trailmark serve`"),
        "{done:?}"
    );
}

#[test]
fn a_wrong_use_exits_with_2_and_says_what_is_wrong() {
    let world = World::new();
    for (arguments, said) in [
        (&["flow", "create", "../web"][..], "a name: 1 to 64"),
        (
            &["flow", "list", "--url", "nowhere"],
            "is not the URL of a recorder",
        ),
        (&["trail", "begin", "t1"], "--flow <FLOW>"),
        (
            &["trail", "begin", "t1", "--flow", "web", "--commit", "HEAD"],
            "a commit id",
        ),
        (
            &["attest", "generic", "x", "--flow", "web", "--trail", "t1"],
            "has no name of its own",
        ),
        (
            &[
                "artifact",
                "record",
                &"0".repeat(64),
                "--flow",
                "web",
                "--trail",
                "t1",
            ],
            "what the artifact is called is not known",
        ),
        (&["decide", "x"], "--environment <ENVIRONMENT>"),
        (
            &["env", "snapshot", "production"],
            "<--path <PATH>|--artifact <ARTIFACT=NAME>|--nothing>",
        ),
        (
            &["env", "show", "production", "--at", "noon"],
            "a moment is written",
        ),
        (&["policy", "bind", "x"], "--everything"),
        (
            &["policy", "bind", "x", "--flow", "web", "--everything"],
            "cannot be used with",
        ),
        (
            &["policy", "publish", "unit-tested", "--stock=x"],
            "rego, component",
        ),
        (
            &["policy", "publish", "tested-in-orbit", "--stock"],
            "there are ",
        ),
        (&["key", "add", "x", "--role", "god"], "possible values"),
        (&["person", "add", "x", "--alias", "ann"], "is not an alias"),
        (&["verify"], "required"),
        (&["nonsense"], "unrecognized subcommand"),
        (&[], "Usage:"),
    ] {
        let done = world.run(arguments).expect(2);
        assert!(done.stderr.contains(said), "{arguments:?}: {done:?}");
    }
    world.file("flow.yaml", "required: []\nrequired: []\n");
    world
        .run(&["flow", "create", "web", "--template", "flow.yaml"])
        .expect(2);
}

#[test]
fn who_has_no_key_or_no_role_is_told_what_to_do() {
    let world = World::new();
    let server = Server::start(&world, &[]);
    let url = server.url.as_str();
    let done = world.run(&["flow", "list", "--url", url]).expect(1);
    assert!(done.stderr.contains("hint: pass a key"), "{done:?}");
    let done = run(&world, url, &["flow", "list"]).expect(1);
    assert!(
        done.stderr.contains("neither expired nor revoked"),
        "{done:?}"
    );
    let admin = User::admin(&world, &server);
    let reader = admin.with_key(&["reader", "--role", "reader"]);
    let done = reader.run(&["flow", "create", "web"]).expect(1);
    assert!(done.stderr.contains("it takes `admin`"), "{done:?}");
    let done = admin.run(&["flow", "show", "web"]).expect(1);
    assert!(
        done.stderr
            .contains("hint: create it first: `trailmark flow create`"),
        "{done:?}"
    );
    let done = admin.run(&["search", "xyz"]).expect(2);
    assert!(done.stderr.contains("hexadecimal"), "{done:?}");

    let key = admin.ask(&["key", "list"])[1]["key"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(admin.run(&["key", "list"]).stdout.contains(&key));
}

#[test]
fn a_key_is_never_shown_and_may_be_read_from_a_file() {
    let world = World::new();
    let server = Server::start(&world, &[]);
    let token = server.first_key().unwrap();
    world.file("token", &format!("{token}\n"));
    let from_file = [
        "flow",
        "list",
        "--url",
        &server.url,
        "--token-file",
        "token",
    ];
    world.run(&from_file).expect(0);
    let admin = User::admin(&world, &server);
    for arguments in [
        &["--help"][..],
        &["flow", "--help"],
        &["flow", "list", "--url", "http://127.0.0.1:1"],
        &["nonsense"],
    ] {
        let done = admin.run(arguments);
        assert!(
            !done.stdout.contains(token) && !done.stderr.contains(token),
            "{arguments:?}"
        );
    }
}

#[test]
fn nothing_is_coloured_that_is_not_a_terminal() {
    let world = World::new();
    let server = Server::start(&world, &[]);
    let admin = User::admin(&world, &server);
    for done in [
        admin.run(&["flow", "list"]),
        admin.run(&["flow", "show", "web"]),
        world.run(&["flow", "list"]),
    ] {
        assert!(
            !done.stdout.contains('\u{1b}') && !done.stderr.contains('\u{1b}'),
            "{done:?}"
        );
    }
}
