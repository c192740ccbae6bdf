use insta::assert_snapshot;

use crate::reading::{facts, refusal};

#[test]
fn the_facts_are_the_data_as_they_are() {
    assert_snapshot!(facts("generic", r#"{"outcome":"passed","data":{"z":[1,-2,"3.5",true,null],"a":{"é":"x"}}}"#), @r#"Passed {"a":{"é":"x"},"z":[1,-2,"3.5",true,null]}"#);
    assert_snapshot!(facts("generic", r#"{"data":{},"outcome":"neutral"}"#), @"Neutral {}");
}

#[test]
fn what_policies_could_not_rely_on_is_refused_with_its_reason() {
    let data = |data: &str| format!(r#"{{"outcome":"passed","data":{{"a":{data}}}}}"#).into_bytes();
    let bad: &[(&str, Vec<u8>)] = &[
        ("empty", b"".to_vec()),
        ("not JSON", b"passed".to_vec()),
        ("no outcome", br#"{"data":{}}"#.to_vec()),
        ("no data", br#"{"outcome":"passed"}"#.to_vec()),
        (
            "another outcome",
            br#"{"outcome":"fine","data":{}}"#.to_vec(),
        ),
        (
            "another member",
            br#"{"outcome":"passed","data":{},"note":""}"#.to_vec(),
        ),
        (
            "data of another type",
            br#"{"outcome":"passed","data":[]}"#.to_vec(),
        ),
        ("a float", data("0.1")),
        ("a float that is whole", data("1.0")),
        ("an exponent", data("[1e3]")),
        ("2^53", data("9007199254740992")),
        ("-2^53", data("{\"b\":-9007199254740992}")),
        ("2^64", data("18446744073709551616")),
        ("repeated key", data(r#"{"b":1,"b":1}"#)),
        (
            "17 levels",
            data(&format!("{}{}", "[".repeat(16), "]".repeat(16))),
        ),
        ("10,000 levels", data(&"[".repeat(10_000))),
        ("half a character", data(r#""\ud800""#)),
        ("too large", data(&format!("\"{}\"", "a".repeat(64 * 1024)))),
    ];
    let table: String = bad
        .iter()
        .map(|(name, bytes)| format!("{name}: {}\n", refusal("generic", bytes)))
        .collect();
    assert_snapshot!(table, @r#"
    empty: the bytes are not valid JSON, at line `1`, column `0`: EOF while parsing a value at line 1 column 0
    not JSON: the bytes are not valid JSON, at line `1`, column `1`: expected value at line 1 column 1
    no outcome: the JSON is not of the expected form, at line `1`, column `11`: missing field `outcome` at line 1 column 11
    no data: the JSON is not of the expected form, at line `1`, column `20`: missing field `data` at line 1 column 20
    another outcome: the JSON is not of the expected form, at line `1`, column `17`: unknown variant `fine`, expected one of `passed`, `failed`, `neutral` at line 1 column 17
    another member: the JSON is not of the expected form, at line `1`, column `36`: unknown field `note`, expected `outcome` or `data` at line 1 column 36
    data of another type: the JSON is not of the expected form, at line `1`, column `27`: invalid type: sequence, expected a map at line 1 column 27
    a float: `0.1` in `data` is not an integer from -(2^53 - 1) to 2^53 - 1 [write decimals and larger numbers as strings]
    a float that is whole: `1.0` in `data` is not an integer from -(2^53 - 1) to 2^53 - 1 [write decimals and larger numbers as strings]
    an exponent: `1000.0` in `data` is not an integer from -(2^53 - 1) to 2^53 - 1 [write decimals and larger numbers as strings]
    2^53: `9007199254740992` in `data` is not an integer from -(2^53 - 1) to 2^53 - 1 [write decimals and larger numbers as strings]
    -2^53: `-9007199254740992` in `data` is not an integer from -(2^53 - 1) to 2^53 - 1 [write decimals and larger numbers as strings]
    2^64: `1.8446744073709552e+19` in `data` is not an integer from -(2^53 - 1) to 2^53 - 1 [write decimals and larger numbers as strings]
    repeated key: the JSON names the key `b` twice in one object, at line `1`, column `42`
    17 levels: `data` is nested deeper than 16 levels
    10,000 levels: the JSON is nested deeper than 32 levels at byte `62`
    half a character: the bytes are not valid JSON, at line `1`, column `40`: unexpected end of hex escape at line 1 column 40
    too large: the report has `65572` bytes, over the limit of 65536
    "#);
}

#[test]
fn sixteen_levels_are_not_too_deep() {
    facts(
        "generic",
        format!(
            r#"{{"outcome":"passed","data":{{"a":{}{}}}}}"#,
            "[".repeat(15),
            "]".repeat(15)
        ),
    );
}

#[test]
fn a_type_that_is_not_known_is_answered_with_those_that_are() {
    assert_snapshot!(refusal("juint\u{7}", "{}"), @r"`juint\u{7}` is not a known type of evidence; known are `generic`, `junit`, `pull-request`, `sarif` [evidence of any other kind can be recorded as `generic`]");
}
