//! Reports that are too large for a request: `attest` sees to it by itself, and the server never holds one.

use std::fs;

use crate::world::{Server, User, World};

const MEBIBYTE: usize = 1024 * 1024;

fn junit(bytes: usize) -> String {
    let case = format!("<testcase name=\"{}\"/>", "a".repeat(1_000));
    let cases = bytes / case.len() + 1;
    format!(
        "<testsuite tests=\"{cases}\">{}</testsuite>",
        case.repeat(cases)
    )
}

/// Reads a number of KiB that the system keeps about a process.
fn kibibytes(process: u32, what: &str) -> usize {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    let number = line.unwrap().trim_start_matches(':').trim();
    number.trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_large_report_is_attested_exported_and_verified_and_the_server_never_holds_it() {
    let world = World::new();
    let server = Server::start(&world, &[]);
    let admin = User::admin(&world, &server);
    admin.ask(&["flow", "create", "web"]);
    let ci = admin.with_key(&["ci", "--role", "reporter", "--flow", "web"]);
    ci.ask(&["trail", "begin", "run-1", "--flow", "web"]);
    let report = junit(40 * MEBIBYTE);
    world.file("large.xml", &report);
    // The most that the process ever held is forgotten, and counted anew from here on.
    fs::write(format!("/proc/{}/clear_refs", server.id()), "5").unwrap();
    let before = kibibytes(server.id(), "VmHWM");
    let attest = [
        "attest",
        "junit",
        "large.xml",
        "--flow",
        "web",
        "--trail",
        "run-1",
    ];
    let attested = ci.ask(&attest);
    let entry = attested["entry"].as_str().unwrap();
    admin.run(&["export", "--output", "web.bundle"]).expect(0);
    let grown = kibibytes(server.id(), "VmHWM") - before;
    assert!(
        grown < 20 * 1024,
        "it held {grown} KiB more, of {}",
        report.len()
    );
    let shown = admin.ask(&["entry", "show", entry]);
    let payloads = shown["payloads"].as_array().unwrap();
    let raw = payloads.iter().find(|one| one["role"] == "raw").unwrap();
    assert_eq!(raw["size"], report.len());
    let bundle = world.work().join("web.bundle");
    assert!(fs::metadata(&bundle).unwrap().len() > report.len() as u64);
    world.run(&["verify", "web.bundle"]).expect(0);
    // What cannot be read is told as it is of a small report.
    world.file("cut.xml", &report[..5 * MEBIBYTE]);
    let refused = ci.run(&[
        "attest", "junit", "cut.xml", "--flow", "web", "--trail", "run-1",
    ]);
    assert!(refused.stderr.contains("not well-formed"), "{refused:?}");
}
