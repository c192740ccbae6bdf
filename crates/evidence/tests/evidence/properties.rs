use evidence::{extract, known_types, strict_json};
use proptest::prelude::*;
use serde_json::Value;

use crate::reading::people;

/// Reads bytes as every type: nothing may panic, and whatever is read has canonical facts.
fn read_as_every_type(raw: &[u8]) {
    for attestation_type in known_types() {
        if let Ok(extracted) = extract(attestation_type, raw, &people) {
            model::canonical::check(&extracted.facts).unwrap();
            extracted
                .people
                .iter()
                .for_each(|people| model::canonical::check(people).unwrap());
        }
    }
}

/// Pieces that reports are made of, put together at random: most are wrong, some are nearly right.
fn pieces(of: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(of), 0..24).prop_map(|pieces| pieces.concat())
}

const XML: &[&str] = &[
    "<testsuites>",
    "</testsuites>",
    "<testsuite name=\"s\">",
    "<testsuite tests='1'>",
    "</testsuite>",
    "<testcase name=\"c\"/>",
    "<testcase time='1e9'>",
    "</testcase>",
    "<failure/>",
    "<error>",
    "</error>",
    "<skipped/>",
    "&lt;",
    "&x;",
    "&#x0;",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<?pi?>",
    "<?xml version='1.0' encoding='latin1'?>",
    "text",
    "\u{0}",
    "\u{1f600}",
    "<!DOCTYPE a>",
    "\"",
    "<",
];

/// A SARIF log whose results are random in all that the facts depend on.
fn sarif() -> impl Strategy<Value = String> {
    let level = prop::sample::select(vec![r#""level":"error","#, r#""level":"none","#, ""]);
    let suppressions = prop::sample::select(vec![
        "",
        r#""suppressions":[{}],"#,
        r#""suppressions":[{"status":"rejected"}],"#,
    ]);
    let result = (level, suppressions, any::<String>(), any::<String>(), any::<u64>()).prop_map(|(level, suppressions, rule, uri, line)| {
        let (rule, uri) = (Value::from(rule), Value::from(uri));
        format!(r#"{{{level}{suppressions}"ruleId":{rule},"locations":[{{"physicalLocation":{{"artifactLocation":{{"uri":{uri}}},"region":{{"startLine":{line}}}}}}}]}}"#)
    });
    prop::collection::vec(result, 0..6)
        .prop_map(|results| format!(r#"{{"version":"2.1.0","runs":[{{"tool":{{"driver":{{"name":"t"}}}},"results":[{}]}}]}}"#, results.join(",")))
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from)
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..5)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(raw in prop::collection::vec(any::<u8>(), 0..256)) {
        read_as_every_type(&raw);
    }

    #[test]
    fn no_xml_makes_a_reader_panic(raw in pieces(XML)) {
        read_as_every_type(raw.as_bytes());
    }

    #[test]
    fn no_json_makes_a_reader_panic(raw in any_json()) {
        read_as_every_type(raw.to_string().as_bytes());
    }

    #[test]
    fn facts_of_sarif_are_canonical_and_their_counts_add_up(raw in sarif()) {
        let facts = extract("sarif", raw.as_bytes(), &people).unwrap().facts;
        model::canonical::check(&facts).unwrap();
        let read: Value = serde_json::from_slice(&facts).unwrap();
        let sum: u64 = read["by_severity"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
        prop_assert_eq!(read["results"].as_u64(), Some(sum));
        prop_assert_eq!(read["findings"].as_array().map(|list| list.len() as u64), Some(sum));
    }

    #[test]
    fn facts_of_junit_are_canonical_and_their_counts_add_up(cases in prop::collection::vec((any::<String>(), 0..4_usize), 0..20)) {
        let children = ["", "<failure/>", "<error/>", "<skipped/>"];
        let escape = |name: &str| name.replace(['&', '<', '"'], "_");
        let cases: String = cases.iter().map(|(name, child)| format!("<testcase name=\"{}\">{}</testcase>", escape(name), children[*child])).collect();
        let facts = extract("junit", format!("<testsuite>{cases}</testsuite>").as_bytes(), &people).unwrap().facts;
        model::canonical::check(&facts).unwrap();
        let read: Value = serde_json::from_slice(&facts).unwrap();
        let count = |key: &str| read[key].as_u64().unwrap();
        prop_assert_eq!(count("tests"), count("passed") + count("failed") + count("errors") + count("skipped"));
        prop_assert_eq!(count("tests"), read["suites"][0]["tests"].as_u64().unwrap());
    }

    #[test]
    fn strict_json_reads_what_every_reader_reads(value in any_json()) {
        let bytes = serde_json::to_vec(&value).unwrap();
        prop_assert_eq!(strict_json::from_slice::<Value>(&bytes).unwrap(), serde_json::from_slice::<Value>(&bytes).unwrap());
    }

    #[test]
    fn strict_json_reads_nothing_that_others_refuse(bytes in prop::collection::vec(prop::sample::select(b"{}[]\",:\\u0019atruen-e. ".to_vec()), 0..24)) {
        if strict_json::from_slice::<Value>(&bytes).is_ok() {
            prop_assert!(serde_json::from_slice::<Value>(&bytes).is_ok());
        }
    }
}
