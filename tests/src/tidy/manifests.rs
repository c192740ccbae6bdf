//! What each crate's manifest must say, and in which direction crates may name each other.

use std::collections::BTreeMap;

use toml::Table;

use super::{assert_none, files, text};

/// From the ground up: a crate may name only crates of a lower floor.
const FLOORS: [&[&str]; 7] = [
    &["model"],
    &["journal"],
    &["evidence", "policy", "store"],
    &["recorder", "workbench"],
    &["api"],
    &["home"],
    &["cli", "functions"],
];

/// Nobody names a function: it is started.
const FUNCTIONS: [&str; 6] = ["ingest", "decide", "approve", "snapshot", "query", "seal"];

/// What a `main.rs` may have: configuration, clients, and run.
const MAIN_LINES_MAX: usize = 80;

const DEPENDENCY_TABLES: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

/// Manifests by path, the roots of workspaces left out.
fn crates() -> BTreeMap<String, Table> {
    let manifests = files()
        .into_iter()
        .filter(|file| file.ends_with("/Cargo.toml"));
    let parsed = manifests.map(|file| (file.clone(), text(&file).parse::<Table>().unwrap()));
    parsed
        .filter(|(_, manifest)| {
            manifest.contains_key("package") && !manifest.contains_key("workspace")
        })
        .collect()
}

/// Every dependency of a manifest, those for one target only included.
fn dependencies(manifest: &Table) -> Vec<(&str, &toml::Value)> {
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let places = targets
        .into_iter()
        .flat_map(Table::values)
        .filter_map(toml::Value::as_table)
        .chain([manifest]);
    places
        .flat_map(|place| {
            DEPENDENCY_TABLES
                .iter()
                .filter_map(|name| place.get(*name)?.as_table())
        })
        .flat_map(|table| table.iter().map(|(name, value)| (name.as_str(), value)))
        .collect()
}

fn is_inherited(value: Option<&toml::Value>) -> bool {
    value
        .and_then(|value| value.get("workspace"))
        .and_then(toml::Value::as_bool)
        == Some(true)
}

#[test]
fn every_crate_takes_its_lints_from_the_root() {
    let without: Vec<_> = crates()
        .into_iter()
        .filter(|(_, manifest)| !is_inherited(manifest.get("lints")))
        .map(|(file, _)| file)
        .collect();
    assert_none(&without, "these manifests lack `[lints] workspace = true`");
}

#[test]
fn versions_stand_in_the_root_manifest_only() {
    let mut wrong = Vec::new();
    for (file, manifest) in crates() {
        let own = dependencies(&manifest)
            .into_iter()
            .filter(|(_, value)| !is_inherited(Some(value)));
        wrong.extend(own.map(|(name, _)| format!("{file}: `{name}` is not `workspace = true`")));
        if !is_inherited(manifest["package"].get("version")) {
            wrong.push(format!(
                "{file}: its own version is not `version.workspace = true`"
            ));
        }
    }
    assert_none(&wrong, "versions outside the root manifest");
}

#[test]
fn every_dependency_of_the_root_manifest_is_used() {
    let root: Table = text("Cargo.toml").parse().unwrap();
    let crates = crates();
    let used: Vec<_> = crates
        .values()
        .flat_map(dependencies)
        .map(|(name, _)| name)
        .collect();
    let offered = root["workspace"]["dependencies"].as_table().unwrap();
    let unused: Vec<_> = offered
        .keys()
        .filter(|name| !used.contains(&name.as_str()))
        .cloned()
        .collect();
    assert_none(
        &unused,
        "nobody uses these dependencies of the root manifest",
    );
}

#[test]
fn dependencies_point_down_only() {
    let floor_of = |place: &str| FLOORS.iter().position(|floor| floor.contains(&place));
    let mut wrong = Vec::new();
    for (file, manifest) in crates() {
        let folder = file.split('/').nth(1).unwrap_or_default();
        // What functions share is a floor of its own; the functions stand on it, beside each other.
        let place = if file.starts_with("functions/") && folder != "home" {
            "functions"
        } else {
            folder
        };
        if !file.starts_with("crates/") && !file.starts_with("functions/") {
            continue;
        }
        let Some(floor) = floor_of(place) else {
            wrong.push(format!("{file}: `{place}` has no floor in this test"));
            continue;
        };
        for (name, _) in dependencies(&manifest) {
            let ours = name.trim_start_matches("trailmark-");
            let above = floor_of(ours).is_some_and(|below| below >= floor);
            if above || FUNCTIONS.contains(&ours) {
                wrong.push(format!("{file}: `{place}` may not name `{name}`"));
            }
        }
    }
    assert_none(&wrong, "dependencies that point up or sideways");
}

#[test]
fn a_function_is_a_main_of_a_few_lines() {
    let mut wrong = Vec::new();
    for name in FUNCTIONS {
        let manifest: Table = text(&format!("functions/{name}/Cargo.toml"))
            .parse()
            .unwrap();
        let bin = &manifest["bin"][0];
        if manifest.contains_key("lib") || bin["name"].as_str() != Some(name) {
            wrong.push(format!(
                "functions/{name}: it is the program `{name}` and nothing else"
            ));
        }
        let lines = text(&format!("functions/{name}/src/main.rs"))
            .lines()
            .count();
        if lines > MAIN_LINES_MAX {
            wrong.push(format!(
                "functions/{name}/src/main.rs: {lines} lines, over {MAIN_LINES_MAX}"
            ));
        }
    }
    assert_none(&wrong, "functions are configuration, clients, and run");
}
