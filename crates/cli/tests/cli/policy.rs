//! What an author does with a policy: test, judge a dossier, measure, and ask why a decision went as it did.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::offline::Exported;
use crate::world::{Done, Server, User, World};

const SIGNED: &str = r#"package signed

default allow := false

allow if count(signatures) > 0

signatures := [a.entry | some a in input.attestations; a.type == "signature"; not a.foreign]

findings := [{"control": "signed", "status": status, "reason": reason, "entries": signatures}]

status := "satisfied" if allow else := "failed"

reason := "somebody signed it" if {
	count(signatures) > 0
	allow
} else := "nobody signed it"
"#;

const CASES: &str = "- case: signed
  attestations: [{entry: 1, type: signature}]
  expect: {allow: true, reason: somebody signed it, entries: [1]}
- case: not signed
  expect: {status: failed}
";

/// A world with a policy in `signed`.
pub fn world() -> World {
    let world = World::new();
    world.file("signed/policy.yaml", "name: signed\nlanguage: rego\n");
    world.file("signed/policy.rego", SIGNED);
    world.file("signed/cases.yaml", CASES);
    world
}

/// A command whose compiled engine is kept between tests: nothing else of them is shared.
fn command(world: &World, arguments: &[&str]) -> Command {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("policy-commands");
    let mut command = world.trailmark();
    command
        .args(arguments)
        .env("XDG_CACHE_HOME", kept.join("cache"))
        .env("XDG_STATE_HOME", kept.join("state"));
    command
}

pub fn run(world: &World, arguments: &[&str]) -> Done {
    Done::of(command(world, arguments).output().unwrap())
}

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies")
}

#[test]
fn cases_that_come_out_as_they_should_are_listed() {
    let done = run(&world(), &["policy", "test", "signed"]).expect(0);
    assert!(done.stdout.starts_with("ok  signed\n"), "{done:?}");
    assert!(
        done.stdout.ends_with("signed: 2 passed, 0 failed\n"),
        "{done:?}"
    );
}

#[test]
fn a_case_that_fails_names_its_line_and_shows_the_difference() {
    let world = world();
    world.file(
        "signed/cases.yaml",
        &CASES.replace("somebody signed", "ann signed"),
    );
    let done = run(
        &world,
        &["policy", "test", "signed", "--junit", "junit.xml"],
    )
    .expect(1);
    for line in [
        "FAILED  signed/cases.yaml:1:9: signed\n",
        "-   reason: ann signed it\n",
        "+   reason: somebody signed it\n",
        "signed: 1 passed, 1 failed\n",
    ] {
        assert!(done.stdout.contains(line), "{line}: {done:?}");
    }
    let junit = fs::read_to_string(world.work().join("junit.xml")).unwrap();
    assert!(
        junit.contains(r#"tests="2" skipped="0" failures="1""#),
        "{junit}"
    );
    assert!(junit.contains("signed/cases.yaml:1:9"), "{junit}");

    let done = run(&world, &["policy", "test", "signed", "--json"]).expect(1);
    assert_eq!(done.json()["failed"], 1);
    assert_eq!(done.json()["cases"][1]["passed"], true);
    let done = run(&world, &["policy", "test", "signed", "--filter", "not"]).expect(0);
    assert!(
        done.stdout.ends_with("signed: 1 passed, 0 failed\n"),
        "{done:?}"
    );
    run(
        &world,
        &["policy", "test", "signed", "--filter", "nothing like it"],
    )
    .expect(2);
}

#[test]
fn coverage_names_the_lines_and_rules_that_no_case_reaches() {
    let world = world();
    world.file(
        "signed/policy.rego",
        &format!("{SIGNED}\nnever if input.parameters.never\n"),
    );
    let done = run(&world, &["policy", "test", "signed", "--coverage"]).expect(0);
    assert!(
        done.stdout.contains("line 18: no case reaches `never`\n"),
        "{done:?}"
    );
    run(
        &world,
        &["policy", "test", "signed", "--coverage-min", "50"],
    )
    .expect(0);
    let done = run(
        &world,
        &["policy", "test", "signed", "--coverage-min", "100"],
    )
    .expect(1);
    assert!(done.stderr.contains("less than 100 %"), "{done:?}");
}

#[test]
fn what_cannot_be_run_says_where_it_is_wrong() {
    let world = world();
    let said = |arguments: &[&str]| run(&world, arguments).expect(1).stderr;
    let test = ["policy", "test", "signed"];

    world.file(
        "signed/policy.rego",
        &SIGNED.replace("allow if count", "allow if if count"),
    );
    let error = said(&test);
    assert!(error.contains("signed/policy.rego:5:10: "), "{error}");
    assert!(
        error.contains("5 | allow if if count(signatures) > 0\n"),
        "{error}"
    );

    world.file(
        "signed/policy.rego",
        &format!("{SIGNED}\nx := http.send({{}})\n"),
    );
    let error = said(&test);
    assert!(
        error.contains("signed/policy.rego:18:6: ") && error.contains("hint: "),
        "{error}"
    );
    world.file("signed/policy.rego", SIGNED);

    world.file("signed/cases.yaml", "- case: x\n  expct: {allow: true}\n");
    let error = said(&test);
    assert!(
        error.contains("signed/cases.yaml:2:3: ") && error.contains("expct"),
        "{error}"
    );

    world.file("signed/cases.yaml", "[]\n");
    assert!(said(&test).contains("there is no case in `signed/cases.yaml`"));

    fs::write(world.work().join("signed/cases.yaml"), b"- case: \xff\n").unwrap();
    assert!(said(&test).contains("signed/cases.yaml:1:9: the file is not UTF-8"));

    world.file("signed/cases.yaml", &"#\n".repeat(3 << 20));
    assert!(said(&test).contains("has more than the `4194304` bytes allowed"));

    fs::remove_file(world.work().join("signed/cases.yaml")).unwrap();
    assert!(said(&test).contains("could not read `signed/cases.yaml`"));

    world.file("empty/README.md", "nothing here");
    let error = said(&["policy", "test", "empty"]);
    assert!(
        error.contains("holds neither `policy.yaml` nor Rego"),
        "{error}"
    );
    assert!(said(&["policy", "test", "nowhere"]).contains("there is no `nowhere`"));
}

#[test]
fn a_file_alone_is_tested_by_the_cases_that_are_named() {
    let world = world();
    let cases = ["--cases", "signed/cases.yaml"];
    world.file("alone/x.rego", SIGNED);
    run(
        &world,
        &[&["policy", "test", "alone/x.rego"], &cases[..]].concat(),
    )
    .expect(0);
}

#[test]
fn a_policy_that_gives_no_verdict_is_a_denial_that_a_case_can_expect() {
    let world = world();
    world.file(
        "signed/policy.rego",
        "package p\n\nallow if input.nothing\n\nfindings := []\n",
    );
    world.file("signed/cases.yaml", "- case: undefined\n  expect: {denial: undefined-rule}\n- case: not\n  expect: {allow: false}\n");
    let done = run(&world, &["policy", "test", "signed"]).expect(1);
    assert!(
        done.stdout.contains("+ denial: undefined-rule\n"),
        "{done:?}"
    );
    assert!(
        done.stdout.contains("the rule `allow` has no value\n"),
        "{done:?}"
    );
    assert!(done.stdout.contains("ok  undefined\n"), "{done:?}");
}

#[test]
fn every_shipped_policy_passes_its_own_cases() {
    let world = World::new();
    let mut tested = 0;
    for folder in fs::read_dir(shipped()).unwrap() {
        let folder = folder.unwrap().path();
        if folder.join("policy.yaml").is_file() {
            run(&world, &["policy", "test", folder.to_str().unwrap()]).expect(0);
            tested += 1;
        }
    }
    assert!(tested >= 6, "{tested} policies were tested");
    let component = shipped().join("../target/guests/unit-tested.wasm");
    let cases = shipped().join("unit-tested/cases.yaml");
    let [component, cases] = [component.to_str().unwrap(), cases.to_str().unwrap()];
    run(&world, &["policy", "test", component, "--cases", cases]).expect(0);
    let arguments = ["policy", "test", component, "--cases", cases, "--coverage"];
    run(&world, &arguments).expect(2);
}

#[test]
fn a_change_is_seen_and_the_cases_run_again() {
    let world = world();
    let mut child = command(&world, &["policy", "test", "signed", "--watch"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut summary = || {
        let mut said = lines.by_ref().map(Result::unwrap);
        said.find(|line| line.starts_with("signed: "))
    };
    assert_eq!(summary().unwrap(), "signed: 2 passed, 0 failed");
    world.file("signed/cases.yaml", &CASES.replace("signed it", "sang"));
    assert_eq!(summary().unwrap(), "signed: 1 passed, 1 failed");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_benchmark_shows_each_case_beside_the_empty_policy() {
    let world = world();
    let bench = ["policy", "bench", "signed", "--iterations", "3"];
    let lines = run(&world, &[&bench[..], &["--json"]].concat())
        .expect(0)
        .json();
    assert_eq!(lines.as_array().unwrap().len(), 2);
    for line in lines.as_array().unwrap() {
        let fuel = |which: &str| line[which]["fuel"].as_u64().unwrap();
        assert!(fuel("policy") > fuel("empty"), "{line}");
        assert!(line["policy"]["p50_ns"].as_u64() <= line["policy"]["p99_ns"].as_u64());
    }
    assert!(run(&world, &bench).expect(0).stdout.contains("× empty"));
}

#[test]
fn the_dossier_of_a_real_artifact_is_what_a_policy_is_judged_by() {
    let world = world();
    world.file("web", "a program");
    world.commit("ann", "Do nothing, well");
    let server = Server::start(&world, &["--solo"]);
    let admin = User::admin(&world, &server);
    let ci = admin.with_key(&["ci", "--role", "reporter", "--flow", "web"]);
    admin.ask(&["flow", "create", "web"]);
    admin.ask(&["env", "create", "production"]);
    ci.ask(&["trail", "begin", "t1", "--flow", "web"]);
    ci.ask(&[
        "artifact", "record", "web", "--flow", "web", "--trail", "t1",
    ]);
    let show = [
        "artifact",
        "show",
        "web",
        "--environment",
        "production",
        "--dossier",
    ];
    let dossier = ci.run(&show).expect(0).stdout;
    world.file("dossier.json", &dossier);
    let eval = ["policy", "eval", "signed", "--dossier", "dossier.json"];
    let done = run(&world, &eval).expect(3);
    assert!(
        done.stdout.contains("reason: nobody signed it\n"),
        "{done:?}"
    );
    let fuel = run(&world, &[&eval[..], &["--json"]].concat())
        .expect(3)
        .json()["fuel"]
        .clone();
    assert!(fuel.as_u64().unwrap() > 0);

    let mut signed: Value = serde_json::from_str(&dossier).unwrap();
    signed["attestations"] = serde_json::json!([{
        "entry": "1".repeat(64), "facts": {}, "flow": "web", "foreign": false, "name": "release", "outcome": "passed",
        "recorded_ms": 1, "schema": "signature.v1", "subject": "artifact", "type": "signature",
    }]);
    world.file("dossier.json", &signed.to_string());
    assert!(run(&world, &eval).expect(0).stdout.starts_with("allows\n"));
    run(&world, &[&eval[..], &["--parameters", "[]"]].concat()).expect(2);
    world.file("dossier.json", "{\n  \"now\": 1\n}");
    assert!(
        run(&world, &eval)
            .expect(1)
            .stderr
            .contains("dossier.json:2:")
    );
}

#[test]
fn a_decision_is_explained_by_policy_control_and_evidence_also_offline() {
    let exported = Exported::new();
    let decision = exported.decision["decision"].as_str().unwrap();
    let explain = ["policy", "explain", decision];
    let server = Server::start(&exported.world, &[]);
    let user = User::new(&exported.world, &server, &exported.token);
    let online = user.run(&explain).expect(0).stdout;
    let offline = [
        &explain[..],
        &["--bundle", "web.bundle", "--key", &exported.log_key],
    ]
    .concat();
    assert_eq!(exported.world.run(&offline).expect(0).stdout, online);
    for words in [
        "allowed: ",
        " in production\n",
        "policy unit-tested allows\n",
        "in force by binding ",
        "  unit-tested is satisfied: ",
        "    on junit ",
    ] {
        assert!(online.contains(words), "{words}: {online}");
    }
    let absent = "0".repeat(64);
    let arguments = ["policy", "explain", &absent, "--bundle", "web.bundle"];
    exported.world.run(&arguments).expect(1);
}

#[test]
fn a_denial_says_what_would_mend_it() {
    let world = World::new();
    world.file("web", "a program");
    world.commit("ann", "Do nothing, well");
    let server = Server::start(&world, &["--solo"]);
    let admin = User::admin(&world, &server);
    let ci = admin.with_key(&["ci", "--role", "reporter", "--flow", "web"]);
    admin.ask(&["flow", "create", "web"]);
    admin.ask(&["env", "create", "production"]);
    ci.ask(&["trail", "begin", "t1", "--flow", "web"]);
    ci.ask(&[
        "artifact", "record", "web", "--flow", "web", "--trail", "t1",
    ]);
    let decide = ["decide", "web", "--environment", "production", "--json"];
    let decision = ci.run(&decide).expect(3).json();
    let explain = ["policy", "explain", decision["decision"].as_str().unwrap()];
    let said = ci.run(&explain).expect(0).stdout;
    assert!(
        said.contains("no-policy: ") && said.contains("what would mend it: publish"),
        "{said}"
    );
}

#[test]
fn approvals_that_do_not_count_are_explained_also_offline() {
    let world = World::new();
    world.file("web", "a program");
    world.commit("ann", "Do everything alone");
    let server = Server::start(&world, &["--solo", "--people-by-key"]);
    let admin = User::admin(&world, &server);
    let ci = admin.with_key(&["ci", "--role", "reporter", "--flow", "web"]);
    let person = |name: &str| {
        let alias = format!("email:{name}@example.com");
        let added = admin.ask(&["person", "add", name, "--alias", &alias]);
        let person = added["person"].as_str().unwrap().to_owned();
        let key = [name, "--role", "approver", "--flow", "web", "--person"];
        admin.with_key(&[&key[..], &[&person]].concat())
    };
    let (ann, rita) = (person("ann"), person("rita"));
    admin.ask(&["flow", "create", "web"]);
    admin.ask(&["env", "create", "production"]);
    admin.ask(&["policy", "publish", "four-eyes", "--stock=component"]);
    admin.ask(&["policy", "bind", "four-eyes", "--everything"]);
    ci.ask(&["trail", "begin", "t1", "--flow", "web"]);
    let place = ["--flow", "web", "--trail", "t1"];
    ci.ask(&[&["artifact", "record", "web"][..], &place].concat());
    ann.ask(&["approve", "web", "--environment", "production"]);
    rita.ask(&["approve", "web", "--environment", "production"]);
    let decide = ["decide", "web", "--environment", "production", "--json"];
    let decision = ci.run(&decide).expect(0).json();
    let explain = ["policy", "explain", decision["decision"].as_str().unwrap()];
    let online = ci.run(&explain).expect(0).stdout;
    for words in [
        " does not count, entry ",
        "  author-of-the-change: who gave it wrote, committed or built a part of the change\n",
        "  what would mend it: have somebody approve who had no part in it\n",
        " counts, entry ",
    ] {
        assert_eq!(online.matches(words).count(), 1, "{words}: {online}");
    }
    let export = ["export", "--artifact", "web", "--output", "web.bundle"];
    admin.ask(&export);
    let offline = [&explain[..], &["--bundle", "web.bundle"]].concat();
    assert_eq!(world.run(&offline).expect(0).stdout, online);
}
