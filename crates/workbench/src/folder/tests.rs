use std::fs;

use tempfile::TempDir;

use super::*;

const POLICY: &str = "package p\n\ndefault allow := false\n\nfindings := []\n";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::Builder::new().prefix("policy").tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn text(source: &PolicySource) -> &str {
    std::str::from_utf8(source.bytes()).unwrap()
}

#[test]
fn a_folder_of_one_source_is_published_as_that_source() {
    let with = folder(&[
        ("policy.yaml", "name: signed\nlanguage: rego\n"),
        ("policy.rego", POLICY),
        ("policy_test.rego", "package p_test"),
        (".hidden/x.rego", "package hidden"),
    ]);
    let opened = Folder::open(with.path()).unwrap();
    assert_eq!(opened.name().as_str(), "signed");
    assert_eq!(text(&opened.source().unwrap()), POLICY);
}

#[test]
fn several_sources_and_documents_are_a_bundle_in_canonical_json() {
    let with = folder(&[
        ("policy.yaml", "name: signed\nlanguage: rego\n"),
        ("policy.rego", "package p"),
        ("lib/x.rego", "package lib.x"),
        ("data.yaml", "who: [ann]"),
        ("lib/data.json", r#"{"n": 1}"#),
    ]);
    let source = Folder::open(with.path()).unwrap().source().unwrap();
    assert_eq!(
        text(&source),
        r#"{"data":{"lib":{"n":1},"who":["ann"]},"modules":{"lib/x.rego":"package lib.x","policy.rego":"package p"}}"#
    );
}

#[test]
fn documents_that_say_the_same_are_refused() {
    let with = folder(&[
        ("policy.rego", POLICY),
        ("data.json", r#"{"n": 1}"#),
        ("data.yaml", "n: 2"),
    ]);
    let error = Folder::open(with.path()).unwrap().source().unwrap_err();
    assert!(error.to_string().contains("data.yaml:1:1"), "{error}");
}

#[test]
fn rego_needs_no_manifest_and_is_then_called_as_its_folder() {
    let with = folder(&[("signed/policy.rego", POLICY)]);
    let opened = Folder::open(&with.path().join("signed")).unwrap();
    assert_eq!(opened.name().as_str(), "signed");
    assert_eq!(opened.manifest().language, Language::Rego);
}

#[test]
fn a_file_stands_for_a_folder() {
    let with = folder(&[
        ("signed.rego", POLICY),
        ("other.rego", "package q"),
        ("a.wasm", "\0asm"),
    ]);
    let rego = Folder::open(&with.path().join("signed.rego")).unwrap();
    assert_eq!(rego.name().as_str(), "signed");
    assert_eq!(text(&rego.source().unwrap()), POLICY);
    let wasm = Folder::open(&with.path().join("a.wasm")).unwrap();
    assert!(matches!(wasm.source().unwrap(), PolicySource::Component(_)));
    assert!(wasm.modules().unwrap().is_none());
}

#[test]
fn what_is_no_policy_says_why() {
    let with = folder(&[
        ("empty/README.md", ""),
        ("text/policy.txt", ""),
        (
            "typo/policy.yaml",
            "name: a\nlanguage: rego\nlangauge: rego\n",
        ),
        ("bare/policy.yaml", "name: a\nlanguage: rego\n"),
        ("rust/policy.yaml", "name: a\nlanguage: rust\n"),
        (
            "unbuilt/policy.yaml",
            "name: a\nlanguage: c\noutput: a.wasm\n",
        ),
    ]);
    let open = |name: &str| {
        let opened = Folder::open(&with.path().join(name));
        opened.and_then(|folder| folder.source()).unwrap_err()
    };
    assert!(matches!(open("nowhere"), FolderError::Absent { .. }));
    assert!(matches!(open("empty"), FolderError::NoManifest { .. }));
    assert!(matches!(
        open("text/policy.txt"),
        FolderError::NotAPolicy { .. }
    ));
    assert!(matches!(open("bare"), FolderError::NoSource { .. }));
    assert!(matches!(open("rust"), FolderError::NoOutput { .. }));
    assert!(matches!(open("unbuilt"), FolderError::NotBuilt { .. }));
    let typo = open("typo").to_string();
    assert!(
        typo.contains("policy.yaml:3:1") && typo.contains("langauge"),
        "{typo}"
    );
}

#[test]
fn a_source_that_is_no_text_says_where() {
    let with = folder(&[]);
    fs::write(with.path().join("policy.rego"), b"package p\n# \xff").unwrap();
    let error = Folder::open(with.path()).unwrap().source().unwrap_err();
    assert!(error.to_string().contains("policy.rego:2:3"), "{error}");
}

#[test]
fn a_source_that_is_too_large_is_not_read_to_its_end() {
    let with = folder(&[("policy.rego", &" ".repeat(policy::SOURCE_BYTES_MAX + 1))]);
    let error = Folder::open(with.path()).unwrap().source().unwrap_err();
    assert!(
        matches!(error, FolderError::Read(ReadError::TooLarge { .. })),
        "{error}"
    );
}
