use insta::assert_snapshot;

use crate::reading::{facts, refusal};

const NEXTEST: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="nextest-run" tests="3" failures="1" errors="0" uuid="x" time="0.031">
    <testsuite name="shop" tests="3" disabled="0" errors="0" failures="1">
        <testcase name="cart::adds" classname="shop" time="0.0104"/>
        <testcase name="cart::&lt;removes&gt;" classname="shop" time="0.0103"><failure type="test failure">panicked &amp; died &#169;</failure>
            <system-out><![CDATA[<testcase name="no case"/>]]></system-out></testcase>
        <testcase name="cart::empties" classname="shop" time="1,000.01"><flakyFailure type="flaky">once</flakyFailure></testcase>
    </testsuite>
</testsuites>"#;

#[test]
fn a_report_is_counted_by_its_cases() {
    assert_snapshot!(facts("junit", NEXTEST), @r#"Failed {"duration_ms":1000030,"errors":0,"failed":1,"failures":[{"name":"cart::<removes>","suite":"shop"}],"passed":2,"skipped":0,"suite_count":1,"suites":[{"errors":0,"failed":1,"name":"shop","passed":2,"skipped":0,"tests":3}],"tests":3}"#);
}

#[test]
fn nested_suites_may_count_what_is_in_them_or_what_is_below_them() {
    let phpunit = r#"<testsuites><testsuite name="all" tests="2" failures="0" errors="1">
        <testsuite name="Sums" tests="1"><testcase name="one"/></testsuite>
        <testsuite name="Products" tests="1" errors="1"><testcase name="two"><error/></testcase></testsuite></testsuite></testsuites>"#;
    assert_snapshot!(facts("junit", phpunit), @r#"Failed {"duration_ms":0,"errors":1,"failed":0,"failures":[{"name":"two","suite":"Products"}],"passed":1,"skipped":0,"suite_count":2,"suites":[{"errors":0,"failed":0,"name":"Sums","passed":1,"skipped":0,"tests":1},{"errors":1,"failed":0,"name":"Products","passed":0,"skipped":0,"tests":1}],"tests":2}"#);
    let own_only = r#"<testsuite name="a" tests="1"><testcase name="x"/><testsuite name="b" tests="1"><testcase name="y"/></testsuite></testsuite>"#;
    assert_snapshot!(facts("junit", own_only), @r#"Passed {"duration_ms":0,"errors":0,"failed":0,"failures":[],"passed":2,"skipped":0,"suite_count":2,"suites":[{"errors":0,"failed":0,"name":"a","passed":1,"skipped":0,"tests":1},{"errors":0,"failed":0,"name":"b","passed":1,"skipped":0,"tests":1}],"tests":2}"#);
}

#[test]
fn cases_outside_of_a_suite_are_counted() {
    assert_snapshot!(facts("junit", r#"<testsuites><testcase name="one"/><testcase name="two"><failure/></testcase></testsuites>"#), @r#"Failed {"duration_ms":0,"errors":0,"failed":1,"failures":[{"name":"two","suite":""}],"passed":1,"skipped":0,"suite_count":1,"suites":[{"errors":0,"failed":1,"name":"","passed":1,"skipped":0,"tests":2}],"tests":2}"#);
}

#[test]
fn a_case_that_fails_twice_is_one_failed_case() {
    let pytest = r#"<testsuite name="pytest" tests="1" failures="1" errors="1" skipped="0"><testcase name="t"><failure/><error/></testcase></testsuite>"#;
    assert_snapshot!(facts("junit", pytest), @r#"Failed {"duration_ms":0,"errors":0,"failed":1,"failures":[{"name":"t","suite":"pytest"}],"passed":0,"skipped":0,"suite_count":1,"suites":[{"errors":0,"failed":1,"name":"pytest","passed":0,"skipped":0,"tests":1}],"tests":1}"#);
    let gtest = r#"<testsuite name="gtest" tests="1" failures="2"><testcase name="t"><failure/><failure/></testcase></testsuite>"#;
    assert_snapshot!(facts("junit", gtest), @r#"Failed {"duration_ms":0,"errors":0,"failed":1,"failures":[{"name":"t","suite":"gtest"}],"passed":0,"skipped":0,"suite_count":1,"suites":[{"errors":0,"failed":1,"name":"gtest","passed":0,"skipped":0,"tests":1}],"tests":1}"#);
}

#[test]
fn a_test_that_did_not_run_did_not_pass() {
    let gtest = r#"<testsuite name="g" tests="3" failures="0" disabled="2"><testcase name="ran" status="run" result="completed"/>
        <testcase name="off" status="notrun" result="suppressed"/><testcase name="left" status="run" result="skipped"><skipped/></testcase></testsuite>"#;
    assert_snapshot!(facts("junit", gtest), @r#"Passed {"duration_ms":0,"errors":0,"failed":0,"failures":[],"passed":1,"skipped":2,"suite_count":1,"suites":[{"errors":0,"failed":0,"name":"g","passed":1,"skipped":2,"tests":3}],"tests":3}"#);
}

#[test]
fn zero_tests_are_not_tested() {
    assert_snapshot!(facts("junit", "<testsuites/>"), @r#"Failed {"duration_ms":0,"errors":0,"failed":0,"failures":[],"passed":0,"skipped":0,"suite_count":0,"suites":[],"tests":0}"#);
    assert_snapshot!(facts("junit", r#"<testsuite name="none" tests="0"/>"#), @r#"Failed {"duration_ms":0,"errors":0,"failed":0,"failures":[],"passed":0,"skipped":0,"suite_count":1,"suites":[{"errors":0,"failed":0,"name":"none","passed":0,"skipped":0,"tests":0}],"tests":0}"#);
    assert_snapshot!(facts("junit", r#"<testsuite name="s" skipped="1"><testcase name="a"><skipped/></testcase></testsuite>"#), @r#"Failed {"duration_ms":0,"errors":0,"failed":0,"failures":[],"passed":0,"skipped":1,"suite_count":1,"suites":[{"errors":0,"failed":0,"name":"s","passed":0,"skipped":1,"tests":1}],"tests":1}"#);
}

#[test]
fn every_encoding_gives_the_same_facts() {
    let text = |encoding: &str| {
        format!(
            "<?xml version=\"1.0\" encoding=\"{encoding}\"?>\n<testsuite name=\"caf\u{e9}\"><testcase name=\"a\"/></testsuite>"
        )
    };
    let expected = facts("junit", text("utf-8"));
    assert!(expected.contains("caf\u{e9}"));
    let latin: Vec<u8> = text("ISO-8859-1")
        .chars()
        .map(|letter| u8::try_from(u32::from(letter)).unwrap())
        .collect();
    let utf_16 = |mark: &str, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        format!("{mark}{}", text("UTF-16"))
            .encode_utf16()
            .flat_map(bytes)
            .collect()
    };
    let cases = [
        (
            "utf-8 with mark",
            format!("\u{feff}{}", text("utf-8")).into_bytes(),
        ),
        ("iso-8859-1", latin),
        ("utf-16le with mark", utf_16("\u{feff}", u16::to_le_bytes)),
        ("utf-16be with mark", utf_16("\u{feff}", u16::to_be_bytes)),
        ("utf-16le", utf_16("", u16::to_le_bytes)),
        ("utf-16be", utf_16("", u16::to_be_bytes)),
    ];
    for (name, bytes) in cases {
        assert_eq!(facts("junit", bytes), expected, "{name}");
    }
}

#[test]
fn what_cannot_be_trusted_is_refused_with_its_reason() {
    let laughs = r#"<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;">]><testsuite name="&lol2;"/>"#;
    let external = r#"<?xml version="1.0"?><!DOCTYPE foo [<!ENTITY xxe SYSTEM "file:///etc/passwd">]><testsuite><testcase name="&xxe;"/></testsuite>"#;
    let deep = format!("<testsuite>{}", "<a>".repeat(10_000));
    let attributes: String = (0..70).map(|number| format!(" a{number}=\"\"")).collect();
    let bad: &[(&str, Vec<u8>)] = &[
        ("empty", b"".to_vec()),
        ("white space", b" \n".to_vec()),
        ("only a mark", b"\xef\xbb\xbf".to_vec()),
        ("billion laughs", laughs.into()),
        ("external entity", external.into()),
        (
            "undefined entity in a name",
            br#"<testsuite name="&nbsp;"/>"#.to_vec(),
        ),
        (
            "undefined entity in text",
            b"<testsuite><a>&nbsp;</a></testsuite>".to_vec(),
        ),
        (
            "impossible character",
            b"<testsuite><a>&#xD800;</a></testsuite>".to_vec(),
        ),
        (
            "cut in an element",
            br#"<testsuite><testcase name="a"/>"#.to_vec(),
        ),
        ("cut in a tag", b"<testsuite><testcase na".to_vec()),
        ("crossed tags", b"<testsuite><a></b></testsuite>".to_vec()),
        ("closed twice", b"<testsuite/></testsuite>".to_vec()),
        ("two roots", b"<testsuite/><testsuite/>".to_vec()),
        ("text beside the root", b"<testsuite/>x".to_vec()),
        (
            "repeated attribute",
            br#"<testsuite name="a" name="b"/>"#.to_vec(),
        ),
        ("attribute without quotes", b"<testsuite tests=1/>".to_vec()),
        (
            "too many attributes",
            format!("<testsuite{attributes}/>").into(),
        ),
        ("too deep", deep.into()),
        ("not JUnit", b"<html><testcase/></html>".to_vec()),
        ("JSON", br#"{"tests":1}"#.to_vec()),
        ("binary", vec![0, 1, 2, 255, 254]),
        ("not UTF-8", b"<testsuite name=\"\xff\"/>".to_vec()),
        (
            "unknown encoding",
            br#"<?xml version="1.0" encoding="klingon"?><testsuite/>"#.to_vec(),
        ),
        (
            "UTF-16 that is none",
            br#"<?xml version="1.0" encoding="UTF-16"?><testsuite/>"#.to_vec(),
        ),
        (
            "says more tests than it has",
            br#"<testsuites><testsuite name="s" tests="2"><testcase/></testsuite></testsuites>"#
                .to_vec(),
        ),
        (
            "says no failures but has one",
            br#"<testsuite name="s" failures="0"><testcase><failure/></testcase></testsuite>"#
                .to_vec(),
        ),
        (
            "says a failure but has none",
            br#"<testsuites failures="1"><testsuite name="s"><testcase/></testsuite></testsuites>"#
                .to_vec(),
        ),
        (
            "says skipped but has none",
            br#"<testsuite name="s" skipped="1"><testcase/></testsuite>"#.to_vec(),
        ),
        (
            "a count that is no number",
            br#"<testsuite name="s" errors="-1"/>"#.to_vec(),
        ),
        (
            "a failure outside of a case",
            br#"<testsuite name="s"><failure/></testsuite>"#.to_vec(),
        ),
        (
            "a case inside of a case",
            br#"<testsuite name="s"><testcase><testcase/></testcase></testsuite>"#.to_vec(),
        ),
        (
            "a case in an unknown element",
            br#"<testsuite name="s"><group><testcase/></group></testsuite>"#.to_vec(),
        ),
        (
            "too many cases",
            [
                "<testsuite>",
                &"<testcase/>".repeat(200_001),
                "</testsuite>",
            ]
            .concat()
            .into(),
        ),
        (
            "too many suites",
            [
                "<testsuites>",
                &"<testsuite/>".repeat(10_001),
                "</testsuites>",
            ]
            .concat()
            .into(),
        ),
        ("too large", vec![b' '; 4 * 1024 * 1024 + 1]),
    ];
    let table: String = bad
        .iter()
        .map(|(name, bytes)| format!("{name}: {}\n", refusal("junit", bytes)))
        .collect();
    assert_snapshot!(table, @r#"
    empty: the XML report is empty
    white space: the XML report is empty
    only a mark: the XML report is empty
    billion laughs: the XML report has a document type (`<!DOCTYPE`), which is refused [write the report without a document type]
    external entity: the XML report has a document type (`<!DOCTYPE`), which is refused [write the report without a document type]
    undefined entity in a name: the XML report uses the entity `nbsp`, which is not one of XML's own [write the report without a document type]
    undefined entity in text: the XML report uses the entity `nbsp`, which is not one of XML's own [write the report without a document type]
    impossible character: the XML report uses the entity `#xD800`, which is not one of XML's own [write the report without a document type]
    cut in an element: the XML report ends inside of `testsuite`: it is cut short
    cut in a tag: the XML report is not well-formed near byte `23`: syntax error: tag not closed: `>` not found before end of input: tag not closed: `>` not found before end of input
    crossed tags: the XML report is not well-formed near byte `18`: ill-formed document: expected `</a>`, but `</b>` was found: expected `</a>`, but `</b>` was found
    closed twice: the XML report is not well-formed near byte `24`: ill-formed document: close tag `</testsuite>` does not match any open tag: close tag `</testsuite>` does not match any open tag
    two roots: the XML report has something beside its one root element, near byte `24`
    text beside the root: the XML report has something beside its one root element, near byte `13`
    repeated attribute: the XML report is not well-formed near byte `30`: error while parsing attribute: position 19: duplicated attribute, previous declaration at position 10: position 19: duplicated attribute, previous declaration at position 10
    attribute without quotes: the XML report is not well-formed near byte `20`: error while parsing attribute: position 16: attribute value must be enclosed in `"` or `'`: position 16: attribute value must be enclosed in `"` or `'`
    too many attributes: the element `testsuite` of the XML report has more than 64 attributes
    too deep: the XML report is nested deeper than 64 elements
    not JUnit: the report is not a JUnit report: its root element is `html`, neither `testsuites` nor `testsuite`
    JSON: the report is not XML: it does not begin with an element
    binary: the XML report is not valid `UTF-8`
    not UTF-8: the XML report is not valid `UTF-8`
    unknown encoding: the XML report declares the encoding `klingon`, which is not known
    UTF-16 that is none: the XML report is not valid `UTF-16LE`
    says more tests than it has: `tests` of suite `s` says `2`, but its test cases show `1` [the report is cut short, edited, or merged wrongly; send what the test runner wrote]
    says no failures but has one: `failures` of suite `s` says `0`, but its test cases show `1` [the report is cut short, edited, or merged wrongly; send what the test runner wrote]
    says a failure but has none: `failures` of suite `` says `1`, but its test cases show `0` [the report is cut short, edited, or merged wrongly; send what the test runner wrote]
    says skipped but has none: `skipped` of suite `s` says `1`, but its test cases show `0` [the report is cut short, edited, or merged wrongly; send what the test runner wrote]
    a count that is no number: `errors` of suite `s` is `-1`, not a number
    a failure outside of a case: `failure` in suite `s` stands in the wrong place, inside of `testsuite`
    a case inside of a case: `testcase` in suite `s` stands in the wrong place, inside of `testcase`
    a case in an unknown element: `testcase` in suite `s` stands in the wrong place, inside of `group`
    too many cases: the report has more than 200000 test cases
    too many suites: the report has more than 10000 test suites
    too large: the report has `4194305` bytes, over the limit of 4194304 [send it apart, by `POST /v1/uploads`, as `trailmark attest` does: of the types that are read as they come]
    "#);
}

#[test]
fn long_lists_and_names_are_cut_and_counts_are_not() {
    let long = "é".repeat(10_000);
    let failing = format!("<testcase name=\"{long}\"><failure/></testcase>").repeat(150);
    let read: serde_json::Value =
        value(&format!("<testsuite name=\"{long}\">{failing}</testsuite>"));
    assert_eq!(
        (&read["failed"], read["failures"].as_array().unwrap().len()),
        (&150.into(), 100)
    );
    assert_eq!(
        read["failures"][0]["name"]
            .as_str()
            .unwrap()
            .chars()
            .count(),
        256
    );
    assert_eq!(
        read["suites"][0]["name"].as_str().unwrap().chars().count(),
        256
    );
    let suites = value(&format!(
        "<testsuites>{}</testsuites>",
        "<testsuite><testcase/></testsuite>".repeat(600)
    ));
    assert_eq!(
        (
            &suites["suite_count"],
            suites["suites"].as_array().unwrap().len(),
            &suites["tests"]
        ),
        (&600.into(), 500, &600.into())
    );
}

#[test]
fn times_that_are_none_count_as_none() {
    let cases: String = ["NaN", "-1", "", "x", "inf", "1e400", "0.0015"]
        .iter()
        .map(|time| format!("<testcase time=\"{time}\"/>"))
        .collect();
    assert_eq!(
        value(&format!("<testsuite>{cases}</testsuite>"))["duration_ms"],
        1
    );
    let ages = r#"<testsuite><testcase time="1e18"/></testsuite>"#;
    assert_eq!(value(ages)["duration_ms"], 9_007_199_254_740_991_u64);
}

fn value(report: &str) -> serde_json::Value {
    let text = facts("junit", report);
    serde_json::from_str(text.split_once(' ').unwrap().1).unwrap()
}
