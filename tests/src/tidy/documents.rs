//! What the documents promise of themselves.

use super::{assert_none, files, root, text};

const README_LINES_MAX: usize = 150;

const ADR_SECTIONS: [&str; 4] = [
    "## What",
    "## Why",
    "## What else was considered",
    "## What is lost",
];
const ADR_STATUS: [&str; 4] = ["proposed", "accepted", "withdrawn", "replaced by "];

/// The first part of every path that a document may name.
const TOP: [&str; 10] = [
    ".ci/",
    "crates/",
    "docs/",
    "functions/",
    "infra/",
    "policies/",
    "tests/",
    "wit/",
    "xtask/",
    "Cargo.",
];

#[test]
fn the_readme_is_a_short_one() {
    let lines = text("README.md").lines().count();
    assert!(
        lines <= README_LINES_MAX,
        "README.md has {lines} lines, {README_LINES_MAX} are promised"
    );
}

#[test]
fn every_path_that_the_readme_names_is_there() {
    let readme = text("README.md");
    let quoted = readme.split('`').skip(1).step_by(2);
    let paths = quoted
        .filter(|quoted| TOP.iter().any(|top| quoted.starts_with(top)) && !quoted.contains(' '));
    let missing: Vec<_> = paths
        .filter(|path| !root().join(path).exists())
        .map(str::to_owned)
        .collect();
    assert_none(&missing, "README.md names what is not there");
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let mut broken = Vec::new();
    for file in files().iter().filter(|file| file.ends_with(".md")) {
        let folder = root().join(file).parent().unwrap().to_owned();
        let text = text(file);
        let targets = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        let local = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
        let missing =
            local.filter(|target| !folder.join(target.split('#').next().unwrap()).exists());
        broken.extend(missing.map(|target| format!("{file}: `{target}`")));
    }
    assert_none(&broken, "links that lead nowhere");
}

#[test]
fn every_decision_record_has_its_number_status_date_and_sections() {
    let index = text("docs/adr/README.md");
    let mut wrong = Vec::new();
    for file in files()
        .iter()
        .filter(|file| file.starts_with("docs/adr/") && !file.ends_with("README.md"))
    {
        let name = file.trim_start_matches("docs/adr/");
        let text = text(file);
        let missing = ADR_SECTIONS
            .iter()
            .filter(|section| !text.lines().any(|line| line == **section));
        wrong.extend(missing.map(|section| format!("{name}: no section `{section}`")));
        let after = |label: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(label))
                .unwrap_or_default()
                .to_owned()
        };
        if !ADR_STATUS
            .iter()
            .any(|status| after("Status: ").starts_with(status))
        {
            wrong.push(format!("{name}: its status is none of {ADR_STATUS:?}"));
        }
        if name == "template.md" {
            continue;
        }
        let number = name.split('-').next().unwrap();
        if number.len() != 4 || !text.starts_with(&format!("# {number}. ")) {
            wrong.push(format!(
                "{name}: name and title must begin with the same four digits"
            ));
        }
        if after("Date: ")
            .split('-')
            .map(|part| part.parse::<u16>())
            .filter(Result::is_ok)
            .count()
            != 3
        {
            wrong.push(format!("{name}: no `Date: YYYY-MM-DD`"));
        }
        if !index.contains(&format!("({name})")) {
            wrong.push(format!("{name}: not listed in docs/adr/README.md"));
        }
    }
    assert_none(&wrong, "decision records");
}

#[test]
fn the_changelog_has_a_place_for_what_comes_next() {
    assert!(
        text("CHANGELOG.md")
            .lines()
            .any(|line| line == "## [Unreleased]")
    );
}
