//! The server's life: first start, second server, restart, signals.

use std::fs;
use std::net::TcpListener;

use crate::world::{Server, User, World, is_private};

#[test]
fn the_first_start_makes_a_journal_and_shows_its_first_key_once() {
    let world = World::new();
    let server = Server::start(&world, &["--name", "acme"]);
    let token = server.first_key().unwrap().to_owned();
    assert!(
        server.said[0].starts_with("journal     trailmark/acme-"),
        "{:?}",
        server.said
    );
    assert!(is_private(&world.data()) && is_private(&world.data().join("keys")));
    for file in fs::read_dir(world.data().join("keys")).unwrap() {
        assert!(is_private(&file.unwrap().path()));
    }
    let state: Vec<_> = fs::read_dir(world.path("home/.local/state/trailmark"))
        .unwrap()
        .collect();
    assert_eq!(
        state.len(),
        1,
        "the newest checkpoint is kept outside the data folder"
    );
    let admin = User::new(&world, &server, &token);
    admin.ask(&["flow", "create", "web", "--description", "the shop"]);
    assert_eq!(server.stop(), 0);

    let server = Server::start(&world, &[]);
    assert_eq!(server.first_key(), None);
    let admin = User::new(&world, &server, &token);
    assert_eq!(
        admin.ask(&["flow", "show", "web"])["description"],
        "the shop"
    );
    assert_eq!(admin.ask(&["health"])["status"], "ok");
}

#[test]
fn with_json_the_greeting_is_a_line_of_json_each() {
    let world = World::new();
    let mut server = world.trailmark();
    server
        .args(["serve", "--json", "--listen", "127.0.0.1:0", "--data"])
        .arg(world.data())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null());
    let mut child = server.spawn().unwrap();
    let out = std::io::BufReader::new(child.stdout.take().unwrap());
    let lines: Vec<serde_json::Value> = std::io::BufRead::lines(out)
        .take(3)
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(lines[0]["created"], true);
    assert!(
        lines[1]["first_admin_key"]["token"]
            .as_str()
            .unwrap()
            .starts_with("tm_")
    );
    assert!(
        lines[2]["listening"]
            .as_str()
            .unwrap()
            .starts_with("http://127.0.0.1:")
    );
}

#[test]
fn a_second_server_on_the_same_folder_is_refused_and_the_first_goes_on() {
    let world = World::new();
    let server = Server::start(&world, &[]);
    let refused = Server::spawn(&world, &[]).err().unwrap().expect(1);
    assert!(
        refused.stderr.contains("another process uses it"),
        "{refused:?}"
    );
    assert!(refused.stderr.contains("hint: "), "{refused:?}");
    User::admin(&world, &server).ask(&["flow", "create", "web"]);
}

#[test]
fn a_copy_of_the_folder_that_runs_at_once_takes_no_writes() {
    let world = World::new();
    let server = Server::start(&world, &[]);
    let token = server.first_key().unwrap().to_owned();
    assert_eq!(server.stop(), 0);
    let copied = world
        .command("cp")
        .args(["-a"])
        .arg(world.data())
        .arg(world.path("copy"))
        .status();
    assert!(copied.unwrap().success());
    let _first = Server::start(&world, &[]);
    let copy = world.path("copy").display().to_string();
    let second = Server::start(&world, &["--data", &copy]);
    let admin = User::new(&world, &second, &token);
    let health = admin.run(&["health"]).expect(1);
    assert!(health.stdout.contains("read-only"), "{health:?}");
    let refused = admin.run(&["flow", "create", "web"]).expect(1);
    assert!(refused.stderr.contains("hint: "), "{refused:?}");
}

#[test]
fn an_old_copy_put_back_is_noticed_and_recovered_from_on_record() {
    let world = World::new();
    let server = Server::start(&world, &[]);
    let token = server.first_key().unwrap().to_owned();
    assert_eq!(server.stop(), 0);
    let copied = world
        .command("cp")
        .args(["-a"])
        .arg(world.data())
        .arg(world.path("old"))
        .status();
    assert!(copied.unwrap().success());
    let server = Server::start(&world, &[]);
    User::new(&world, &server, &token).ask(&["flow", "create", "web"]);
    assert_eq!(server.stop(), 0);

    fs::remove_dir_all(world.data()).unwrap();
    fs::rename(world.path("old"), world.data()).unwrap();
    let server = Server::start(&world, &[]);
    let admin = User::new(&world, &server, &token);
    admin.run(&["flow", "create", "web"]).expect(1);
    admin.ask(&[
        "recover",
        "--reason",
        "the disk was restored from yesterday",
    ]);
    admin.ask(&["flow", "create", "web"]);
    admin.ask(&["export", "--output", "journal.bundle"]);
    let verified = world.run(&["verify", "journal.bundle"]).expect(0);
    assert!(
        verified.stdout.contains("the journal admits to a loss"),
        "{verified:?}"
    );
}

#[test]
fn nothing_is_made_where_the_server_cannot_listen() {
    let world = World::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = world.data().display().to_string();
    let serve = |listen: &str| world.run(&["serve", "--data", &data, "--listen", listen]);
    assert!(
        serve(&address)
            .expect(1)
            .stderr
            .contains("could not listen on")
    );
    for open in ["0.0.0.0:0", "[::]:0", "192.0.2.1:80"] {
        let refused = serve(open).expect(2);
        assert!(refused.stderr.contains("TLS"), "{refused:?}");
    }
    assert!(!world.data().exists());
}

#[test]
fn a_folder_that_is_none_of_ours_is_refused_and_left_as_it_is() {
    let world = World::new();
    world.file("file", "not a folder");
    let below = world.work().join("file/data").display().to_string();
    let refused = world
        .run(&["serve", "--listen", "127.0.0.1:0", "--data", &below])
        .expect(1);
    assert!(refused.stderr.starts_with("error: "), "{refused:?}");

    let server = Server::start(&world, &[]);
    assert_eq!(server.stop(), 0);
    let database = world.data().join("journal.sqlite3");
    let mut bytes = fs::read(&database).unwrap();
    // The version of the format stands in SQLite's `user_version`: bytes 60 to 63, big-endian.
    bytes[60..64].copy_from_slice(&9_999_u32.to_be_bytes());
    fs::write(&database, &bytes).unwrap();
    let refused = Server::spawn(&world, &[]).err().unwrap().expect(1);
    assert!(
        refused.stderr.contains("format version `9999`"),
        "{refused:?}"
    );
    assert_eq!(fs::read(&database).unwrap(), bytes);
    bytes[68..72].copy_from_slice(b"else");
    fs::write(&database, &bytes).unwrap();
    let refused = Server::spawn(&world, &[]).err().unwrap().expect(1);
    assert!(
        refused.stderr.contains("no store of this program"),
        "{refused:?}"
    );
}

#[test]
fn a_journal_without_its_keys_is_not_opened_with_others() {
    let world = World::new();
    let server = Server::start(&world, &[]);
    assert_eq!(server.stop(), 0);
    fs::rename(world.data().join("keys"), world.path("keys")).unwrap();
    let refused = Server::spawn(&world, &[]).err().unwrap().expect(1);
    assert!(
        refused.stderr.contains("the keys of the journal"),
        "{refused:?}"
    );
    fs::rename(world.path("keys"), world.data().join("keys")).unwrap();
    Server::start(&world, &[]);
}

#[test]
fn what_genesis_does_not_say_cannot_be_asked_for_later() {
    let world = World::new();
    assert_eq!(Server::start(&world, &["--people-by-key"]).stop(), 0);
    assert_eq!(Server::start(&world, &["--people-by-key"]).stop(), 0);
    let refused = Server::spawn(&world, &["--solo"]).err().unwrap().expect(2);
    assert!(refused.stderr.contains("genesis"), "{refused:?}");
}

#[test]
fn a_server_asked_to_end_under_load_loses_nothing_that_it_acknowledged() {
    let world = World::new();
    let server = Server::start(&world, &[]);
    let admin = User::admin(&world, &server);
    let token = server.first_key().unwrap().to_owned();
    admin.ask(&["flow", "create", "web"]);
    let ci = admin.with_key(&["ci", "--role", "reporter", "--flow", "web"]);
    let (first, begun) = std::sync::mpsc::channel();
    let acknowledged = std::thread::scope(|scope| {
        let load = scope.spawn(|| {
            let mut acknowledged = Vec::new();
            for number in 0.. {
                let trail = format!("t{number}");
                let done = ci.run(&["trail", "begin", &trail, "--flow", "web", "--json"]);
                if done.code != 0 {
                    return acknowledged;
                }
                acknowledged.push(done.json()["entry"].clone());
                // Nobody listens any more once some are recorded.
                let _ = first.send(());
            }
            acknowledged
        });
        begun.iter().take(5).for_each(drop);
        drop(begun);
        assert_eq!(server.stop(), 0);
        load.join().unwrap()
    });
    assert!(acknowledged.len() >= 5);
    let server = Server::start(&world, &[]);
    let admin = User::new(&world, &server, &token);
    for entry in acknowledged {
        admin.ask(&["entry", "show", entry.as_str().unwrap()]);
    }
}
