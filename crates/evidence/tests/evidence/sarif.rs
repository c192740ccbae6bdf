use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::reading::{facts, refusal};

fn log(run: Value) -> String {
    json!({"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}).to_string()
}

fn with_results(results: Value) -> String {
    let rules = json!([
        {"id": "sql-injection", "properties": {"security-severity": "9.8", "tags": ["security"]}, "defaultConfiguration": {"level": "note"}},
        {"id": "weak-hash", "properties": {"security-severity": 7}},
        {"id": "style", "defaultConfiguration": {"level": "note"}, "messageStrings": {}},
        {"id": "zero", "properties": {"security-severity": "0.0"}},
    ]);
    let plugin = json!({"name": "plugin", "rules": [{"id": "deep/er", "properties": {"security-severity": "4.0"}}]});
    log(
        json!({"tool": {"driver": {"name": "scan", "version": "1.2", "rules": rules}, "extensions": [plugin]}, "results": results}),
    )
}

#[test]
fn findings_are_sorted_by_severity_and_say_where() {
    let place = |uri: &str| json!([{"physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": 7}}}]);
    let report = with_results(json!([
        {"ruleId": "style", "message": {"text": "by alice@example.com"}, "locations": place("src/b.rs")},
        {"ruleId": "sql-injection", "ruleIndex": 0, "locations": place("src/a.rs")},
        {"ruleId": "style", "locations": place("src/a.rs"), "level": "error"},
        {"ruleId": "unknown", "locations": place("file:///home/alice/x")},
        {"ruleId": "unknown", "level": "none", "locations": place("/home/alice/x")},
    ]));
    assert_snapshot!(facts("sarif", report), @r#"Failed {"by_severity":{"critical":1,"high":1,"low":1,"medium":1,"none":1},"failed_runs":0,"findings":[{"location":"src/a.rs:7","rule":"sql-injection","severity":"critical"},{"location":"src/a.rs:7","rule":"style","severity":"high"},{"rule":"unknown","severity":"medium"},{"location":"src/b.rs:7","rule":"style","severity":"low"},{"rule":"unknown","severity":"none"}],"results":5,"suppressed":0,"tools":[{"name":"scan","version":"1.2"}]}"#);
}

#[test]
fn a_severity_comes_from_the_rule_then_the_level_then_the_rules_level_then_warning() {
    let cases = [
        (
            json!({"ruleId": "sql-injection", "level": "note"}),
            "critical",
        ),
        (json!({"ruleIndex": 1}), "high"),
        (
            json!({"rule": {"index": 0, "toolComponent": {"index": 0}}}),
            "medium",
        ),
        (json!({"ruleId": "deep/er/still"}), "medium"),
        (json!({"ruleId": "weak-hash", "ruleIndex": -1}), "high"),
        (json!({"ruleId": "weak-hash", "ruleIndex": 99}), "high"),
        (json!({"ruleId": "zero", "level": "error"}), "none"),
        (json!({"ruleId": "style"}), "low"),
        (json!({"ruleId": "style", "level": "error"}), "high"),
        (json!({"ruleId": "nobody"}), "medium"),
        (json!({"ruleId": "nobody", "level": "none"}), "none"),
        (json!({}), "medium"),
        (json!({"ruleId": "sql-injection", "kind": "pass"}), "none"),
        (
            json!({"ruleId": "sql-injection", "kind": "review"}),
            "critical",
        ),
    ];
    for (result, severity) in cases {
        let read = facts("sarif", with_results(json!([result])));
        assert!(
            read.contains(&format!("\"severity\":\"{severity}\"")),
            "{result} gave {read}"
        );
    }
}

#[test]
fn only_accepted_suppressions_count() {
    let suppressed = |suppressions: Value| {
        facts(
            "sarif",
            with_results(json!([{"ruleId": "sql-injection", "suppressions": suppressions}])),
        )
    };
    assert_snapshot!(suppressed(json!([{"kind": "inSource"}])), @r#"Passed {"by_severity":{"critical":0,"high":0,"low":0,"medium":0,"none":0},"failed_runs":0,"findings":[],"results":0,"suppressed":1,"tools":[{"name":"scan","version":"1.2"}]}"#);
    assert!(suppressed(json!([{"kind": "external", "status": "accepted"}])).starts_with("Passed"));
    for other in [
        json!([]),
        json!([{"status": "underReview"}]),
        json!([{"status": "rejected"}]),
        json!([{"status": "accepted"}, {"status": "rejected"}]),
    ] {
        assert!(suppressed(other.clone()).starts_with("Failed"), "{other}");
    }
}

#[test]
fn what_was_only_in_the_baseline_is_no_finding() {
    let report = with_results(
        json!([{"ruleId": "sql-injection", "baselineState": "absent"}, {"ruleId": "style", "baselineState": "new"}]),
    );
    assert!(
        facts("sarif", report)
            .starts_with(r#"Passed {"by_severity":{"critical":0,"high":0,"low":1"#)
    );
}

#[test]
fn a_run_that_did_not_finish_found_nothing_out() {
    let tool = json!({"driver": {"name": "scan"}});
    let finished =
        log(json!({"tool": tool, "results": [], "invocations": [{"executionSuccessful": true}]}));
    assert_snapshot!(facts("sarif", finished), @r#"Passed {"by_severity":{"critical":0,"high":0,"low":0,"medium":0,"none":0},"failed_runs":0,"findings":[],"results":0,"suppressed":0,"tools":[{"name":"scan"}]}"#);
    let failed = log(
        json!({"tool": tool, "results": [], "invocations": [{"executionSuccessful": true}, {"executionSuccessful": false}]}),
    );
    assert_snapshot!(facts("sarif", failed), @r#"Failed {"by_severity":{"critical":0,"high":0,"low":0,"medium":0,"none":0},"failed_runs":1,"findings":[],"results":0,"suppressed":0,"tools":[{"name":"scan"}]}"#);
    for unscanned in [
        json!({"tool": tool}),
        json!({"tool": tool, "results": null}),
    ] {
        assert!(facts("sarif", log(unscanned)).starts_with("Failed"));
    }
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    assert_eq!(
        facts("sarif", format!("\u{feff}{}", with_results(json!([])))),
        facts("sarif", with_results(json!([])))
    );
}

#[test]
fn the_order_of_results_does_not_matter() {
    let results = |places: [&str; 3]| -> Value {
        let result = |uri: &str| json!({"ruleId": "style", "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri}}}]});
        places.iter().map(|place| result(place)).collect()
    };
    assert_eq!(
        facts("sarif", with_results(results(["a", "b", "c"]))),
        facts("sarif", with_results(results(["c", "a", "b"])))
    );
}

#[test]
fn the_worst_findings_are_listed_and_all_are_counted() {
    let many: Vec<Value> = (0..700)
        .map(|number| json!({"ruleId": if number < 690 { "style" } else { "sql-injection" }}))
        .collect();
    let text = facts("sarif", with_results(many.into()));
    let read: Value = serde_json::from_str(text.split_once(' ').unwrap().1).unwrap();
    assert_eq!(
        (&read["results"], read["findings"].as_array().unwrap().len()),
        (&700.into(), 500)
    );
    assert_eq!(
        (
            &read["findings"][9]["severity"],
            &read["findings"][10]["severity"]
        ),
        (&"critical".into(), &"low".into())
    );
}

#[test]
fn what_cannot_be_trusted_is_refused_with_its_reason() {
    let severity = |severity: Value| {
        let driver = json!({"name": "s", "rules": [{"id": "r", "properties": {"security-severity": severity}}]});
        log(json!({"tool": {"driver": driver}, "results": [{"ruleId": "r"}]})).into_bytes()
    };
    let bad: &[(&str, Vec<u8>)] = &[
        ("empty", b"".to_vec()),
        ("not JSON", b"<sarif/>".to_vec()),
        ("not an object", b"[]".to_vec()),
        ("no version", b"{\"runs\":[]}".to_vec()),
        ("another version", br#"{"version":"2.0.0","runs":{}}"#.to_vec()),
        ("no runs", br#"{"version":"2.1.0"}"#.to_vec()),
        ("empty runs", br#"{"version":"2.1.0","runs":[]}"#.to_vec()),
        ("runs of another type", br#"{"version":"2.1.0","runs":"all"}"#.to_vec()),
        ("no tool", br#"{"version":"2.1.0","runs":[{"results":[]}]}"#.to_vec()),
        ("a level that is none", log(json!({"tool": {"driver": {"name": "s"}}, "results": [{"level": "fatal"}]})).into()),
        ("repeated key", br#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"s"}},"results":[{"level":"error","level":"none"}]}]}"#.to_vec()),
        ("10,000 levels", format!("{{\"version\":\"2.1.0\",\"runs\":{}", "[".repeat(10_000)).into()),
        ("cut short", br#"{"version":"2.1.0","runs":[{"tool""#.to_vec()),
        ("two values", br#"{"version":"2.1.0","runs":[]}{}"#.to_vec()),
        ("severity in words", severity(json!("high"))),
        ("severity over 10", severity(json!("11"))),
        ("severity not a number", severity(json!("NaN"))),
        ("severity of another type", severity(json!(["9.8"]))),
        ("too many results", with_results(vec![json!({}); 20_001].into()).into()),
        ("too large", vec![b' '; 4 * 1024 * 1024 + 1]),
    ];
    let table: String = bad
        .iter()
        .map(|(name, bytes)| format!("{name}: {}\n", refusal("sarif", bytes)))
        .collect();
    assert_snapshot!(table, @r#"
    empty: the bytes are not valid JSON, at line `1`, column `0`: EOF while parsing a value at line 1 column 0
    not JSON: the bytes are not valid JSON, at line `1`, column `1`: expected value at line 1 column 1
    not an object: the JSON is not of the expected form, at line `1`, column `2`: invalid length 0, expected a SARIF log at line 1 column 2
    no version: the report's SARIF version is ``, not `2.1.0`
    another version: the report's SARIF version is `2.0.0`, not `2.1.0`
    no runs: the SARIF report has no runs
    empty runs: the SARIF report has no runs
    runs of another type: the JSON is not of the expected form, at line `1`, column `31`: invalid type: string "all", expected a list of at most 100 items at line 1 column 31
    no tool: the JSON is not of the expected form, at line `1`, column `41`: missing field `tool` at line 1 column 41
    a level that is none: the JSON is not of the expected form, at line `1`, column `95`: unknown variant `fatal`, expected one of `none`, `note`, `warning`, `error` at line 1 column 95
    repeated key: the JSON names the key `level` twice in one object, at line `1`, column `94`
    10,000 levels: the JSON is nested deeper than 32 levels at byte `57`
    cut short: the bytes are not valid JSON, at line `1`, column `34`: EOF while parsing an object at line 1 column 34
    two values: the bytes are not valid JSON, at line `1`, column `30`: trailing characters at line 1 column 30
    severity in words: `security-severity` of rule `r` is `high`, not a number from 0 to 10
    severity over 10: `security-severity` of rule `r` is `11`, not a number from 0 to 10
    severity not a number: `security-severity` of rule `r` is `NaN`, not a number from 0 to 10
    severity of another type: the JSON is not of the expected form, at line `1`, column `185`: a number, or a number in a string at line 1 column 185
    too many results: the JSON is not of the expected form, at line `1`, column `60082`: invalid length 20001, expected a list of at most 20000 items at line 1 column 60082
    too large: the report has `4194305` bytes, over the limit of 4194304 [send it apart, by `POST /v1/uploads`, as `trailmark attest` does: of the types that are read as they come]
    "#);
}
