//! Evidence made to crash the engine: whatever a built-in does with it, it ends in a verdict or in a denial with a name.

use policy::{Denial, DossierInput, Outcome, PublishError};
use serde_json::json;

use super::nothing_is_left_behind;
use crate::support::{dossier, entry, sandbox};

/// What attackers can put into the facts of evidence.
fn evidence() -> DossierInput {
    let deep = (0..16).fold(json!([]), |inner, _| json!([inner]));
    let facts = json!({
        "array": [], "deep": deep, "empty": "", "false": false, "huge": "1e999999999", "letter": "\u{e9}", "minus": -1,
        "most": 9_007_199_254_740_991_u64, "nothing": null, "object": {}, "open": "[({*", "zero": 0,
    });
    dossier(json!({ "attestations": [{
        "entry": entry(1), "facts": facts, "flow": "pay", "foreign": false, "name": "smoke", "outcome": "passed",
        "recorded_ms": 1, "schema": "generic.v1", "subject": "artifact", "type": "generic",
    }]}))
}

/// Calls, with facts as `e.NAME`; a number of arguments that a function does not take is no less hostile.
const CALLS: &[&str] = &[
    "count(e.array)",
    "count(e.nothing)",
    "sum(e.array)",
    "product(e.array)",
    "max(e.array)",
    "min(e.object)",
    "sort(e.array)",
    "max([e.deep, e.huge])",
    "all(e.array)",
    "any(e.array)",
    "object.subset(e.object, e.object)",
    "object.subset(e.array, e.array)",
    "object.subset([1], e.array)",
    "object.subset({1}, {e.zero})",
    "object.subset(e.array, {1})",
    "object.subset([1, 2], [2, 3])",
    "object.get(e.object, e.array, 1)",
    "object.get(e.object, [\"a\"], 1)",
    "object.remove(e.object, e.array)",
    "object.union(e.object, e.object)",
    "object.union_n(e.array)",
    "object.filter(e.object, e.array)",
    "object.keys(e.object)",
    "json.filter(e.object, e.array)",
    "json.remove(e.object, [\"\"])",
    "json.patch(e.object, e.array)",
    "json.patch(e.array, [{\"op\": \"remove\", \"path\": \"/0\"}])",
    "json.patch(e.object, [{\"op\": \"move\", \"from\": \"\", \"path\": \"/a\"}])",
    "json.unmarshal(e.empty)",
    "json.unmarshal(e.open)",
    "json.unmarshal(e.huge)",
    "json.marshal(e.deep)",
    "yaml.unmarshal(e.open)",
    "yaml.unmarshal(\"&a [*a]\")",
    "yaml.unmarshal(e.empty)",
    "yaml.is_valid(e.huge)",
    "yaml.marshal(e.deep)",
    "yaml.marshal({e.open: e.letter})",
    "io.jwt.decode(e.letter)",
    "io.jwt.verify_rs256(e.open, e.huge)",
    "io.jwt.verify_es512(\"e30.e30.\", e.open)",
    "io.jwt.verify_eddsa(\"e30.e30.\", \"{\\\"kty\\\": \\\"OKP\\\"}\")",
    "io.jwt.verify_ps512(\"e30.e30.\", \"-----BEGIN CERTIFICATE-----\\n-----END CERTIFICATE-----\\n\")",
    "io.jwt.decode_verify(e.letter, {\"secret\": e.huge})",
    "io.jwt.decode_verify(\"e30.e30.\", {\"cert\": \"{\\\"keys\\\": []}\", \"time\": e.most})",
    "strings.any_prefix_match(e.array, e.array)",
    "strings.any_prefix_match(e.empty, e.empty)",
    "strings.any_suffix_match(e.letter, [e.empty])",
    "strings.replace_n(e.object, e.empty)",
    "strings.replace_n({\"\": \"a\"}, e.letter)",
    "strings.reverse(e.letter)",
    "strings.count(e.empty, e.empty)",
    "strings.count(e.letter, e.empty)",
    "strings.render_template(\"{{.a}}\", e.object)",
    "replace(e.empty, e.empty, e.letter)",
    "replace(e.letter, e.empty, e.letter)",
    "split(e.empty, e.empty)",
    "split(e.letter, e.empty)",
    "substring(e.letter, 1, 1)",
    "substring(e.letter, e.minus, 1)",
    "substring(e.letter, 0, e.minus)",
    "substring(e.empty, e.most, e.most)",
    "substring(e.letter, 0, e.most)",
    "indexof(e.empty, e.empty)",
    "indexof(e.letter, e.empty)",
    "indexof_n(e.letter, e.empty)",
    "trim(e.letter, e.empty)",
    "trim_left(e.empty, e.empty)",
    "trim_prefix(e.empty, e.letter)",
    "upper(e.letter)",
    "concat(e.empty, e.array)",
    "format_int(e.minus, e.zero)",
    "format_int(e.most, 99)",
    "format_int(1.5, 2)",
    "sprintf(\"%d %s %v %x %\", e.array)",
    "sprintf(\"%99999999d\", [1])",
    "sprintf(\"%.99999999f\", [1.5])",
    "sprintf(\"%[9]d\", [1])",
    "sprintf(\"%*d\", [99999999, 1])",
    "sprintf(e.open, [e.deep])",
    "sprintf(\"%c\", [e.most])",
    "array.slice(e.array, 5, 1)",
    "array.slice(e.array, e.minus, e.minus)",
    "array.slice([1, 2], 1, e.most)",
    "array.reverse(e.array)",
    "array.concat(e.array, e.array)",
    "numbers.range(e.most, e.minus)",
    "numbers.range_step(1, 10, e.zero)",
    "numbers.range_step(1, 10, e.minus)",
    "numbers.range(1.5, 3)",
    "bits.lsh(1, e.most)",
    "bits.lsh(1, e.minus)",
    "bits.rsh(1, e.most)",
    "bits.rsh(e.minus, 63)",
    "bits.negate(e.most)",
    "1 / e.zero",
    "1 % e.zero",
    "e.most % e.minus",
    "e.most * e.most * e.most",
    "e.minus % 0.5",
    "abs(e.minus)",
    "round(e.most)",
    "ceil(-0.5)",
    "to_number(e.huge)",
    "to_number(e.empty)",
    "to_number(\"0x\")",
    "to_number(\"-\")",
    "to_number(\"NaN\")",
    "to_number(\"1e400\")",
    "1e400 * e.zero",
    "units.parse(e.empty)",
    "units.parse(\"1e999999G\")",
    "units.parse_bytes(e.letter)",
    "units.parse_bytes(\"-\")",
    "semver.compare(e.empty, e.empty)",
    "semver.is_valid(e.letter)",
    "semver.compare(\"99999999999999999999.0.0\", \"1.0.0\")",
    "net.cidr_contains(e.empty, e.empty)",
    "net.cidr_expand(\"0.0.0.0/0\")",
    "net.cidr_expand(\"::/0\")",
    "net.cidr_merge(e.array)",
    "net.cidr_overlap(\"10.0.0.0/99\", \"::\")",
    "net.cidr_intersects(e.letter, e.empty)",
    "graph.reachable(e.object, e.array)",
    "graph.reachable({\"a\": [\"a\"]}, {\"a\"})",
    "graph.reachable_paths({\"a\": [\"b\"], \"b\": [\"a\"]}, {\"a\"})",
    "[x | walk(e.deep, x)]",
    "base64.decode(e.open)",
    "base64.decode(\"/w==\")",
    "base64url.decode(\"_w\")",
    "hex.decode(e.letter)",
    "hex.decode(\"f\")",
    "urlquery.decode(\"%ff\")",
    "urlquery.decode(\"%\")",
    "urlquery.decode_object(\"=&=%\")",
    "glob.match(e.open, e.array, e.empty)",
    "glob.match(e.empty, [e.empty], e.empty)",
    "glob.quote_meta(e.open)",
    "regex.match(e.open, e.empty)",
    "regex.split(e.empty, e.letter)",
    "regex.find_n(e.empty, e.letter, e.minus)",
    "regex.find_n(e.empty, e.letter, e.most)",
    "regex.replace(e.letter, e.empty, \"$1${9}\")",
    "regex.find_all_string_submatch_n(\"(a)|(b)\", \"ab\", e.minus)",
    "regex.template_match(e.open, e.empty, \"{\", \"}\")",
    "regex.template_match(\"{\", e.empty, e.empty, e.empty)",
    "regex.globs_match(e.open, e.empty)",
    "crypto.sha256(e.empty)",
    "time.parse_rfc3339_ns(e.huge)",
    "time.date(e.most)",
    "time.weekday(-9007199254740991000)",
    "time.add_date(e.most, 999999, 99, 99)",
    "time.parse_duration_ns(e.letter)",
    "time.format([e.most, e.open])",
    "json.match_schema(e.object, e.object)",
    "json.match_schema(e.object, e.open)",
    "json.verify_schema(e.open)",
    "e.array[0]",
    "e.deep[0][0][0][0]",
    "e.nothing.a.b",
    "e.array[-1]",
    "e.array[e.most]",
    "{e.deep, e.array} & {e.deep}",
    "{x | some x in e.deep} - {e.deep}",
    "e.array - e.array",
    "e.object & e.object",
    "intersection({e.array})",
    "union({{1}, e.array})",
    "cast_array(e.nothing)",
    "type_name(e.nothing)",
    "rego.parse_module(e.empty, e.open)",
];

#[test]
fn whatever_evidence_says_a_built_in_ends_in_a_verdict_or_a_named_denial() {
    let input = evidence();
    let (mut verdicts, mut denials) = (0, 0);
    for call in CALLS {
        let source = format!(
            r#"package hostile

e := input.attestations[0].facts

allow := false

findings := [{{"control": "c", "status": "failed", "reason": substring(sprintf("%v", [{call}]), 0, 9), "entries": []}}]
"#
        );
        match sandbox().judge_once(&source, &input) {
            Ok(Outcome::Verdict(verdict)) => {
                assert!(!verdict.allow, "{call}");
                verdicts += 1;
            }
            Ok(Outcome::Denied(denial)) => {
                assert!(Denial::ALL.contains(&denial), "{call}");
                denials += 1;
            }
            Ok(Outcome::Undecided(cause)) => panic!("{call}: undecided, {cause}"),
            // Functions that a policy does not have, or that no argument of this kind suits.
            Err(error) => assert!(
                matches!(
                    error,
                    PublishError::UnknownFunction { .. }
                        | PublishError::Syntax { .. }
                        | PublishError::TooComplex { .. }
                ),
                "{call}: {error:?}"
            ),
        }
    }
    assert!(
        verdicts > 40 && denials > 40,
        "{verdicts} verdicts, {denials} denials"
    );
    nothing_is_left_behind();
}
