use evidence::provenance::{self, Provenance, ProvenanceFacts};
use evidence::strict_json;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::reading::{chain, people};

fn request() -> Value {
    json!({"repository": "https://example.com/shop.git", "builder": "github-actions", "build_url": "https://example.com/runs/1",
    "commit": "b".repeat(40), "previous": "9".repeat(64), "contains": ["c".repeat(64)],
    "materials": [{"uri": "pkg:cargo/serde@1.0", "digest": format!("sha256:{}", "d".repeat(64))}],
    "commits": [
        {"sha": "a".repeat(40), "authors": ["email:alice@example.com", "GitHub:Alice", "email:eve@example.com"], "message": "one\n\nBy Alice"},
        {"sha": "b".repeat(40), "authors": ["github:bob"]},
    ]})
}

fn parse(request: &Value) -> Result<Provenance, String> {
    let read: Provenance = strict_json::from_slice(request.to_string().as_bytes())
        .map_err(|error| chain(error.into()))?;
    provenance::extract(&read, &people).map_err(chain)?;
    Ok(read)
}

#[test]
fn facts_name_people_by_id_only_and_the_rest_can_be_erased() {
    let extracted = provenance::extract(&parse(&request()).unwrap(), &people).unwrap();
    model::canonical::check(&extracted.facts).unwrap();
    assert_eq!(
        (extracted.schema.as_str(), extracted.media_type),
        ("provenance.v1", "application/json")
    );
    assert_snapshot!(String::from_utf8(extracted.facts.clone()).unwrap(), @r#"{"build_url":"https://example.com/runs/1","builder":"github-actions","commit":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","commits":[{"people":["person-00000000000000aa"],"sha":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","unregistered":1},{"people":["person-00000000000000bb"],"sha":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","unregistered":0}],"contains":["cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"],"materials":[{"digest":"sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd","uri":"pkg:cargo/serde@1.0"}],"previous":"9999999999999999999999999999999999999999999999999999999999999999","repository":"https://example.com/shop.git"}"#);
    assert_snapshot!(String::from_utf8(extracted.people.unwrap()).unwrap(), @r#"{"commits":[{"authors":["email:alice@example.com","github:alice","email:eve@example.com"],"message":"one\n\nBy Alice","sha":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},{"authors":["github:bob"],"sha":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}]}"#);
    let facts: ProvenanceFacts = strict_json::from_slice(&extracted.facts).unwrap();
    assert_eq!(model::canonical::to_vec(&facts).unwrap(), extracted.facts);
}

#[test]
fn the_least_provenance_has_a_repository_a_commit_and_a_builder() {
    let least = json!({"repository": "r", "builder": "b", "commit": "a".repeat(40)});
    let extracted = provenance::extract(&parse(&least).unwrap(), &people).unwrap();
    assert_snapshot!(String::from_utf8(extracted.facts).unwrap(), @r#"{"builder":"b","commit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","commits":[],"contains":[],"materials":[],"repository":"r"}"#);
    assert_eq!(extracted.people, None);
}

#[test]
fn a_provenance_that_contradicts_itself_is_refused_with_its_reason() {
    let commit = |letter: &str| json!({"sha": letter.repeat(40), "authors": ["github:bob"]});
    let bad = [
        ("/commit", json!("main")),
        ("/commit", json!("c".repeat(40))),
        ("/commits", json!([commit("b"), commit("b")])),
        ("/commits/0/authors", json!([])),
        ("/commits/0/authors", json!(["alice"])),
        ("/commits/0/authors", json!(vec!["github:bob"; 65])),
        ("/commits/0/message", json!("m".repeat(4_097))),
        ("/commits", json!(vec![commit("b"); 1_001])),
        ("/contains/0", json!("C".repeat(64))),
        ("/contains", json!(vec!["c".repeat(64); 101])),
        ("/materials/0/digest", json!("sha256:xyz")),
        ("/materials/0/uri", json!("")),
        ("/repository", json!("a\nb")),
        ("/builder", json!("b".repeat(513))),
        ("/previous", json!(7)),
    ];
    let table: String = bad
        .into_iter()
        .map(|(pointer, value)| {
            let mut raw = request();
            *raw.pointer_mut(pointer).unwrap() = value;
            format!("{pointer}: {}\n", parse(&raw).unwrap_err())
        })
        .collect();
    assert_snapshot!(table, @r#"
    /commit: the JSON is not of the expected form, at line `1`, column `84`: `main` is not a commit id: 40 or 64 lower-case hexadecimal digits at line 1 column 84
    /commit: the provenance lists commits, but not the commit `cccccccccccccccccccccccccccccccccccccccc` it was built from
    /commits: the provenance lists the commit `bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb` twice
    /commits/0/authors: the commit `aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa` has no authors
    /commits/0/authors: the JSON is not of the expected form, at line `1`, column `152`: `alice` is not an alias: `scheme:value` without control characters or spaces around it, at most 384 bytes at line 1 column 152
    /commits/0/authors: the JSON is not of the expected form, at line `1`, column `989`: invalid length 65, expected a list of at most 64 items at line 1 column 989
    /commits/0/message: `message` of the provenance is empty, over its limit of 4096 bytes, or has control characters
    /commits: the JSON is not of the expected form, at line `1`, column `76208`: invalid length 1001, expected a list of at most 1000 items at line 1 column 76208
    /contains/0: the JSON is not of the expected form, at line `1`, column `443`: `CCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCCC` is not a fingerprint: 64 lower-case hexadecimal digits at line 1 column 443
    /contains: the JSON is not of the expected form, at line `1`, column `7144`: invalid length 101, expected a list of at most 100 items at line 1 column 7144
    /materials/0/digest: `sha256:xyz` of material `pkg:cargo/serde@1.0` is not a digest: `algorithm:` and lower-case hexadecimal digits
    /materials/0/uri: `uri` of the provenance is empty, over its limit of 512 bytes, or has control characters
    /repository: `repository` of the provenance is empty, over its limit of 512 bytes, or has control characters
    /builder: `builder` of the provenance is empty, over its limit of 512 bytes, or has control characters
    /previous: the JSON is not of the expected form, at line `1`, column `584`: invalid type: integer `7`, expected a string at line 1 column 584
    "#);
}

#[test]
fn facts_that_would_fill_a_dossier_are_refused() {
    let mut raw = request();
    let material = |number: usize| json!({"uri": format!("{number}{}", "u".repeat(500)), "digest": format!("sha512:{}", "d".repeat(128))});
    raw["materials"] = (0..1_000).map(material).collect();
    assert_snapshot!(parse(&raw).unwrap_err(), @"the facts of the report have `661449` bytes, over the limit of 524288");
}
