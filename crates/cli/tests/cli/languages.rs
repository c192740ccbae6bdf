//! The walk of `policies/README.md`, from nothing to a policy that decides, in every language that there is a template of.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use crate::evidence::JUNIT;
use crate::world::{Done, Server, User, World};

/// Where the tools of the languages are; Rego needs none.
fn tools(language: &str) -> Option<PathBuf> {
    let tools = std::env::var_os("TRAILMARK_TEST_LANGUAGES").map(PathBuf::from);
    match (tools, language) {
        (Some(tools), _) => Some(tools),
        (None, "rego") => Some(PathBuf::new()),
        (None, _) => {
            println!("left out: {language}, because TRAILMARK_TEST_LANGUAGES names no tools");
            None
        }
    }
}

/// Types a command in which tools of languages run: they look for what they installed in their user's home.
fn with_home(world: &World, arguments: &[&str]) -> Done {
    let mut command = world.trailmark();
    command.args(arguments);
    for (variable, folder) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
        let own = std::env::var_os(variable).map(PathBuf::from);
        let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(folder));
        if let Some(place) = own.or(home) {
            command.env(variable, place);
        }
    }
    Done::of(command.output().unwrap())
}

fn walk(language: &str) {
    let Some(tools) = tools(language) else { return };
    let world = World::new();
    let new = ["policy", "new", "tested", "--language", language, "--json"];
    let files = world.run(&new).expect(0).json()["files"].clone();
    assert!(files.as_array().unwrap().contains(&"cases.yaml".into()));
    let folder = world.work().join("tested");
    let link = |from: &str, to: &str| symlink(tools.join(from), folder.join(to)).unwrap();
    match language {
        "rust" => link("rust", "target"),
        "javascript" => link("javascript/node_modules", "node_modules"),
        "python" => link("python", ".venv"),
        _ => {}
    }
    let built = with_home(&world, &["policy", "build", "tested", "--json"]);
    let digest = built.expect(0).json()["digest"].clone();
    world.run(&["policy", "test", "tested"]).expect(0);

    let server = Server::start(&world, &["--solo", "--name", "acme"]);
    let admin = User::admin(&world, &server);
    world.file("junit.xml", JUNIT);
    world.file("web", "a program");
    admin.ask(&["flow", "create", "web"]);
    admin.ask(&["env", "create", "production"]);
    admin.ask(&["policy", "publish", "tested", "tested"]);
    let listed = admin.ask(&["policy", "list"]);
    assert_eq!(listed["policies"][0]["digest"], digest);
    let parameters = r#"{"tests_min":1}"#;
    admin.ask(&[
        "policy",
        "bind",
        "tested",
        "--everything",
        "--parameters",
        parameters,
    ]);
    let ci = admin.with_key(&["ci", "--role", "reporter", "--flow", "web"]);
    let place = ["--flow", "web", "--trail", "t1"];
    world.commit("ann", "Begin");
    ci.ask(&["trail", "begin", "t1", "--flow", "web"]);
    ci.ask(&[&["artifact", "record", "web"][..], &place].concat());
    let decide = ["decide", "web", "--environment", "production"];
    ci.run(&decide).expect(3);
    let attest = ["attest", "junit", "junit.xml", "--artifact", "web"];
    ci.ask(&[&attest[..], &place].concat());
    ci.run(&decide).expect(0);
}

#[test]
fn a_policy_in_rego_walks_from_nothing_to_a_decision() {
    walk("rego");
}

#[test]
fn a_policy_in_rust_walks_from_nothing_to_a_decision() {
    walk("rust");
}

#[test]
fn a_policy_in_javascript_walks_from_nothing_to_a_decision() {
    walk("javascript");
}

#[test]
fn a_policy_in_python_walks_from_nothing_to_a_decision() {
    walk("python");
}

#[test]
fn a_policy_in_c_walks_from_nothing_to_a_decision() {
    walk("c");
}
