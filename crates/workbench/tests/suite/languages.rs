//! The templates: the same control in five languages, built with the ordinary tools of each, judges alike.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use policy::{Evaluation, PolicyForm, PolicySource, stock};
use workbench::{Folder, Language, template};

use crate::support::sandbox;

/// Where `cargo xtask test` has installed what the languages need; without it the tests say that they are left out.
fn tools(language: Language) -> Option<PathBuf> {
    let tools = std::env::var_os("TRAILMARK_TEST_LANGUAGES").map(PathBuf::from);
    if tools.is_none() {
        println!("left out: {language:?}, because TRAILMARK_TEST_LANGUAGES names no tools");
    }
    tools
}

/// Makes a policy of the template, with the tools that are installed already.
fn made(language: Language, tools: &Path, at: &Path) -> Folder {
    let folder = at.join("policy");
    template::create(&"tested".parse().unwrap(), language, &folder).unwrap();
    let link = |from: &str, to: &str| symlink(tools.join(from), folder.join(to)).unwrap();
    match language {
        Language::Rust => link("rust", "target"),
        Language::Javascript => link("javascript/node_modules", "node_modules"),
        Language::Python => link("python", ".venv"),
        _ => {}
    }
    Folder::open(&folder).unwrap()
}

fn evaluations(source: &PolicySource, folder: &Folder) -> Vec<Evaluation> {
    let policy = sandbox().prepare(source).unwrap();
    let cases = folder.cases().unwrap();
    let run = |case| {
        let result = workbench::run(&policy, case).unwrap();
        assert!(result.passed(), "{}\n{}", case.place, result.diff());
        result.evaluation
    };
    cases.iter().map(run).collect()
}

/// Builds what is made, and compares its verdicts with those of the policy that comes with Trailmark.
fn judges_as_the_stock_policy(folder: &Folder) -> PolicySource {
    workbench::build(folder).unwrap();
    let source = folder.source().unwrap();
    let stock = stock::seed("unit-tested", PolicyForm::Rego).unwrap();
    let own = evaluations(&source, folder);
    let stocks = evaluations(&stock.source(), folder);
    assert!(own.len() > 10);
    for (own, stock) in own.iter().zip(&stocks) {
        assert_eq!(own.outcome, stock.outcome);
    }
    let fuel = own.iter().map(|evaluation| evaluation.fuel).max();
    let memory = own.iter().map(|evaluation| evaluation.memory_bytes).max();
    println!(
        "{:?}: {} bytes, at most {} fuel and {} bytes of memory",
        folder.manifest().language,
        source.bytes().len(),
        fuel.unwrap(),
        memory.unwrap()
    );
    source
}

fn template_judges_as_the_stock_policy(language: Language) {
    let Some(tools) = tools(language) else { return };
    let at = tempfile::tempdir().unwrap();
    judges_as_the_stock_policy(&made(language, &tools, at.path()));
}

#[test]
fn the_template_in_rego_judges_as_the_stock_policy() {
    let at = tempfile::tempdir().unwrap();
    judges_as_the_stock_policy(&made(Language::Rego, Path::new(""), at.path()));
}

#[test]
fn the_template_in_rust_judges_as_the_stock_policy() {
    template_judges_as_the_stock_policy(Language::Rust);
}

#[test]
fn the_template_in_javascript_judges_as_the_stock_policy() {
    template_judges_as_the_stock_policy(Language::Javascript);
}

#[test]
fn the_template_in_python_judges_as_the_stock_policy() {
    template_judges_as_the_stock_policy(Language::Python);
}

#[test]
fn the_template_in_c_judges_as_the_stock_policy() {
    template_judges_as_the_stock_policy(Language::C);
}

#[test]
fn python_that_insists_on_wasi_judges_alike() {
    let Some(tools) = tools(Language::Python) else {
        return;
    };
    let at = tempfile::tempdir().unwrap();
    let folder = made(Language::Python, &tools, at.path());
    let build = folder.path().join("build.py");
    let text = fs::read_to_string(&build).unwrap();
    let insisting = text.replace("\"--stub-wasi\", ", "");
    assert_ne!(insisting, text);
    fs::write(&build, insisting).unwrap();
    let source = judges_as_the_stock_policy(&folder);
    let import = b"wasi:filesystem/preopens@0.2.0";
    let mut windows = source.bytes().windows(import.len());
    assert!(windows.any(|window| window == import));
}
