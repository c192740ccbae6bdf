//! What may be compiled in: the part of `deny.toml` that needs no tool to be checked.

use std::process::Command;

use serde_json::Value;
use toml::Table;

use super::{assert_none, root, text};

/// Every package of `Cargo.lock` that is not ours.
fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .current_dir(root())
        .args(["metadata", "--format-version", "1", "--locked"])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let all = metadata["packages"].as_array().unwrap();
    all.iter()
        .filter(|package| !package["source"].is_null())
        .cloned()
        .collect()
}

fn deny() -> Table {
    text("deny.toml").parse().unwrap()
}

fn strings(list: &toml::Value) -> Vec<String> {
    list.as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_str().unwrap().to_owned())
        .collect()
}

/// Whether one may choose licences that are all allowed. Groups stand in brackets where `AND` meets `OR`.
fn is_allowed(expression: &str, allowed: &[String]) -> bool {
    let is = |licence: &str| allowed.iter().any(|one| one == licence.trim());
    let mut groups = expression
        .split(" AND ")
        .map(|group| group.trim().trim_matches(['(', ')']));
    groups.all(|group| group.split(" OR ").flat_map(|part| part.split('/')).any(is))
}

#[test]
fn a_licence_expression_needs_one_of_each_group() {
    let allowed = ["MIT".to_owned(), "BSD-3-Clause".to_owned()];
    assert!(is_allowed("MIT", &allowed));
    assert!(is_allowed("Apache-2.0/MIT", &allowed));
    assert!(is_allowed("(Apache-2.0 OR MIT) AND BSD-3-Clause", &allowed));
    assert!(!is_allowed("(Apache-2.0 OR MIT) AND GPL-3.0", &allowed));
    assert!(!is_allowed("", &allowed));
}

#[test]
fn every_licence_is_one_that_deny_toml_allows() {
    let allowed = strings(&deny()["licenses"]["allow"]);
    let wrong: Vec<_> = packages()
        .iter()
        .map(|package| {
            (
                package["name"].as_str().unwrap(),
                package["license"].as_str().unwrap_or_default(),
            )
        })
        .filter(|(_, licence)| !is_allowed(licence, &allowed))
        .map(|(name, licence)| format!("{name}: `{licence}`"))
        .collect();
    assert_none(&wrong, "licences that deny.toml does not allow");
}

#[test]
fn every_package_comes_from_a_registry_that_deny_toml_allows() {
    let registries = strings(&deny()["sources"]["allow-registry"]);
    let known = |source: &str| {
        registries
            .iter()
            .any(|registry| source == format!("registry+{registry}"))
    };
    let wrong: Vec<_> = packages()
        .iter()
        .map(|package| package["source"].to_string())
        .filter(|source| !known(source.trim_matches('"')))
        .collect();
    assert_none(&wrong, "sources that deny.toml does not allow");
}

#[test]
fn no_package_is_one_that_deny_toml_bans() {
    let deny = deny();
    let banned: Vec<_> = deny["bans"]["deny"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["crate"].as_str().unwrap())
        .collect();
    let wrong: Vec<_> = packages()
        .iter()
        .map(|package| package["name"].as_str().unwrap().to_owned())
        .filter(|name| banned.contains(&name.as_str()))
        .collect();
    assert_none(&wrong, "packages that deny.toml bans");
}
