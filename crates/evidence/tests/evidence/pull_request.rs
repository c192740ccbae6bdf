use evidence::extract;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::reading::{facts, people, refusal};

const HEAD: &str = "1111111111111111111111111111111111111111";
const OLD: &str = "0000000000000000000000000000000000000000";

fn request(reviews: Value) -> Value {
    json!({"provider": "github", "repository": "example/shop", "number": 17, "url": "https://github.com/example/shop/pull/17",
        "state": "merged", "base": "main", "head": HEAD, "merge_commit": "2".repeat(40), "title": "Count twice, says Alice",
        "author": {"alias": "GitHub:Alice", "name": "Alice Adams"}, "reviews": reviews, "commits": [OLD, HEAD]})
}

#[test]
fn facts_name_people_by_id_only_and_the_rest_can_be_erased() {
    let raw = request(json!([
        {"by": "github:bob", "state": "changes-requested"},
        {"by": "github:bob", "state": "approved", "commit": HEAD},
        {"by": "github:carol", "state": "approved"},
    ]));
    assert_snapshot!(facts("pull-request", raw.to_string()), @r#"Passed {"approvers":["person-00000000000000bb"],"author":"person-00000000000000aa","base":"main","commits":["0000000000000000000000000000000000000000","1111111111111111111111111111111111111111"],"head":"1111111111111111111111111111111111111111","merge_commit":"2222222222222222222222222222222222222222","number":17,"provider":"github","repository":"example/shop","stale_approvers":[],"state":"merged","unregistered_people":1,"url":"https://github.com/example/shop/pull/17"}"#);
    let extracted = extract("pull-request", raw.to_string().as_bytes(), &people).unwrap();
    assert_snapshot!(String::from_utf8(extracted.people.unwrap()).unwrap(), @r#"{"author":{"alias":"github:alice","name":"Alice Adams"},"reviews":[{"by":"github:bob","state":"changes-requested"},{"by":"github:bob","commit":"1111111111111111111111111111111111111111","state":"approved"},{"by":"github:carol","state":"approved"}],"title":"Count twice, says Alice"}"#);
}

#[test]
fn it_passes_when_merged_and_approved_by_somebody_else_whose_last_word_that_was() {
    let review = |by: &str, state: &str| json!({"by": by, "state": state});
    let (bob, alice) = ("github:bob", "email:alice@example.com");
    let cases = [
        (
            "approved by another",
            "Passed",
            json!([review(bob, "approved")]),
        ),
        (
            "a comment after it",
            "Passed",
            json!([review(bob, "approved"), review(bob, "commented")]),
        ),
        (
            "an objection of a stranger",
            "Passed",
            json!([
                review(bob, "approved"),
                review("github:eve", "changes-requested")
            ]),
        ),
        ("nobody", "Failed", json!([])),
        (
            "only a comment",
            "Failed",
            json!([review(bob, "commented")]),
        ),
        (
            "the author under another alias",
            "Failed",
            json!([review(alice, "approved")]),
        ),
        (
            "a stranger",
            "Failed",
            json!([review("github:eve", "approved")]),
        ),
        (
            "withdrawn",
            "Failed",
            json!([review(bob, "approved"), review(bob, "changes-requested")]),
        ),
        (
            "dismissed",
            "Failed",
            json!([review(bob, "approved"), review(bob, "dismissed")]),
        ),
    ];
    for (name, outcome, reviews) in cases {
        let read = facts("pull-request", request(reviews).to_string());
        assert!(read.starts_with(outcome), "{name}: {read}");
    }
}

#[test]
fn it_fails_when_it_is_not_merged_or_nobody_knows_the_author() {
    let approved = json!([{"by": "github:bob", "state": "approved"}]);
    for (pointer, value) in [
        ("/state", "open"),
        ("/state", "closed"),
        ("/author/alias", "github:mallory"),
    ] {
        let mut raw = request(approved.clone());
        *raw.pointer_mut(pointer).unwrap() = value.into();
        assert!(
            facts("pull-request", raw.to_string()).starts_with("Failed"),
            "{value}"
        );
    }
}

#[test]
fn an_approval_of_an_older_commit_is_told() {
    let read = facts(
        "pull-request",
        request(json!([{"by": "github:bob", "state": "approved", "commit": OLD}])).to_string(),
    );
    assert!(
        read.contains(r#""stale_approvers":["person-00000000000000bb"]"#),
        "{read}"
    );
}

#[test]
fn what_is_not_a_pull_request_is_refused_with_its_reason() {
    let bad = [
        ("/number", json!(9_007_199_254_740_992_u64)),
        ("/number", json!("17")),
        ("/state", json!("landed")),
        ("/head", json!("main")),
        ("/commits/0", json!("HEAD")),
        ("/commits", json!(vec![OLD; 1_001])),
        ("/url", json!("a".repeat(513))),
        ("/base", json!("")),
        ("/title", json!("a\u{1b}[2J")),
        ("/author/alias", json!("alice")),
        ("/reviews", json!([{"by": "", "state": "approved"}])),
        (
            "/reviews",
            json!([{"by": "github:bob", "state": "approved", "body": "nice"}]),
        ),
    ];
    let table: String = bad
        .into_iter()
        .map(|(pointer, value)| {
            let mut raw = request(json!([]));
            *raw.pointer_mut(pointer).unwrap() = value;
            format!("{pointer}: {}\n", refusal("pull-request", raw.to_string()))
        })
        .collect();
    assert_snapshot!(table, @r#"
    /number: the pull request's number `9007199254740992` is above 2^53 - 1
    /number: the JSON is not of the expected form, at line `1`, column `289`: invalid type: string "17", expected u64 at line 1 column 289
    /state: the JSON is not of the expected form, at line `1`, column `365`: unknown variant `landed`, expected one of `open`, `merged`, `closed` at line 1 column 365
    /head: the JSON is not of the expected form, at line `1`, column `181`: `main` is not a commit id: 40 or 64 lower-case hexadecimal digits at line 1 column 181
    /commits/0: the JSON is not of the expected form, at line `1`, column `87`: `HEAD` is not a commit id: 40 or 64 lower-case hexadecimal digits at line 1 column 87
    /commits: the JSON is not of the expected form, at line `1`, column `43124`: invalid length 1001, expected a list of at most 1000 items at line 1 column 43124
    /url: `url` of the pull request is empty, over its limit of 512 bytes, or has control characters
    /base: `base` of the pull request is empty, over its limit of 512 bytes, or has control characters
    /title: `title` of the pull request is empty, over its limit of 512 bytes, or has control characters
    /author/alias: the JSON is not of the expected form, at line `1`, column `26`: `alice` is not an alias: `scheme:value` without control characters or spaces around it, at most 384 bytes at line 1 column 26
    /reviews: the JSON is not of the expected form, at line `1`, column `355`: `` is not an alias: `scheme:value` without control characters or spaces around it, at most 384 bytes at line 1 column 355
    /reviews: the JSON is not of the expected form, at line `1`, column `354`: unknown field `body`, expected one of `by`, `commit`, `state` at line 1 column 354
    "#);
}
