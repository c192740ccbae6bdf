//! What the interpreter says of lines and columns is of what the author wrote, not of what is compiled.

use policy::Outcome;
use workbench::native::Heard;
use workbench::{Coverage, Native};

use crate::support::{folder, results};

/// What is written anew: an `every`, a rule with a key, a comprehension with its term on another line, a function of two
/// definitions, a rule that has its value from a loop; heads and bodies of several lines.
const WRITTEN: &str = r#"package p

default allow := false

allow if {
	every x in input.attestations {
		x.type == "junit"
		print("each", x.type)
	}
	count(of) > 1
	print("allowed")
}

of[x.type] := {
	"t": x.type,
	"n": n,
} if {
	some x in input.attestations # {
	n := x.facts.n
	print("keyed", n)
}

names := [name(x) |
	some x in input.attestations
	x.outcome == "passed"
	print("named", x.type)
]

name(x) := "one" if {
	x.facts.n == 1
}

name(x) := "two" if {
	x.facts.n == 2
	print("two")
}

found := {
	"v": v,
	"w": `a
b`,
} if {
	some v in names
	v == "one"
}

else_where := 1 if {
	input.nothing
} else := 2 if {
	input.attestations
}

findings contains {
	"control": "c", "status": "satisfied", "entries": [],
	"reason": concat(" ", names),
} if {
	found.v == "one"
	else_where == 2
}

never[k] := 1 if {
	some k in input.nothing
}
"#;

const CASES: &str = "- case: one
  attestations: [{entry: 1, type: junit, facts: {n: 1}}]
  expect: {allow: false}
";

fn heard(source: &str) -> (Heard, Coverage) {
    let (_at, folder) = folder(source, CASES);
    let cases = folder.cases().unwrap();
    let modules = folder.modules().unwrap().unwrap();
    let mut interpreter = Native::new(&modules).unwrap_or_else(|error| panic!("{error}"));
    let heard = interpreter.judge(&cases.iter().next().unwrap().dossier, "{}");
    let coverage = interpreter.coverage(&modules);
    (heard, coverage)
}

/// The numbers of the lines that have one of these texts.
fn lines(source: &str, texts: &[&str]) -> Vec<u32> {
    let found = source
        .lines()
        .zip(1..)
        .filter(|(line, _)| texts.iter().any(|text| line.contains(text)));
    found.map(|(_, number)| number).collect()
}

#[test]
fn lines_that_no_case_reaches_are_lines_of_the_author() {
    for source in [WRITTEN.to_owned(), WRITTEN.replace('\n', "\r\n")] {
        let (heard, coverage) = heard(&source);
        assert_eq!(heard.answer.unwrap().findings.len(), 1);
        let file = &coverage.files[0];
        let missed = [
            "print(\"allowed\")",
            "name(x) := \"two\"",
            "print(\"two\")",
            "else_where := 1",
            "never[k]",
            "some k in",
        ];
        assert_eq!(file.missed_lines, lines(&source, &missed), "{file:#?}");
        assert!(file.lines <= source.lines().count(), "{file:#?}");
        assert_eq!(file.rules, 10);
        let rules: Vec<_> = file
            .missed_rules
            .iter()
            .map(|rule| (&*rule.name, rule.line))
            .collect();
        assert_eq!(rules, [("never", lines(&source, &["never[k]"])[0])]);
    }
}

#[test]
fn what_is_printed_has_the_line_where_it_is_printed_and_is_printed_once() {
    let (mut heard, _) = heard(WRITTEN);
    heard.prints.sort();
    let line = |text| lines(WRITTEN, &[text])[0];
    assert_eq!(
        heard.prints,
        [
            format!("policy.rego:{}: keyed 1", line("\"keyed\"")),
            format!("policy.rego:{}: named junit", line("\"named\"")),
            format!("policy.rego:{}: each junit", line("\"each\"")),
        ]
    );
}

#[test]
fn a_built_in_that_fails_is_named_with_the_place_where_it_is_called() {
    let source = "package p\n\ndefault allow := false\n\nfindings := [] if all\n\nall := [n |\n\tsome x in [\"ä\", \"1\"]\n\tn := [\n\t\t1,\n\t\tto_number(x),\n\t]\n]\n";
    let (heard, _) = heard(source);
    let failed = heard.said().unwrap();
    assert!(failed.contains("policy.rego:11:12\n"), "{failed}");
    assert!(failed.contains("11 | \t\tto_number(x),\n"), "{failed}");
}

#[test]
fn a_rule_with_two_values_is_named_with_the_place_of_one() {
    let source = "package p\n\ndefault allow := false\n\nfindings := [r | some _ in [f(1)]]\n\nf(x) := 1 if x > 0\n\nf(x) := 2 if {\n\tx > 0\n}\n\nr := 1\n";
    let (heard, _) = heard(source);
    let said = heard.answer.unwrap_err();
    assert!(said.contains("policy.rego:9:9\n"), "{said}");
    assert!(said.contains("9 | f(x) := 2 if {\n"), "{said}");
    assert!(said.ends_with("`p.f` is 1 and 2"), "{said}");
}

#[test]
fn what_goes_through_nothing_is_read_as_in_the_sandbox_and_a_built_in_that_fails_is_said() {
    let source = r#"package p

default allow := false

elements := count([y | some x in [1, "a", null]; some y in x])

number := to_number(input.attestations[0].type)

findings contains {"control": "n", "status": "satisfied", "reason": "no number", "entries": []} if not number

findings contains {"control": "e", "status": "satisfied", "reason": "none", "entries": []} if elements == 0
"#;
    let (_at, folder) = folder(source, CASES);
    let result = results(&folder).remove(0);
    let (heard, _) = heard(source);
    let failed = heard.failed.as_ref().unwrap();
    assert!(failed.contains("policy.rego:7:20\n"), "{failed}");
    assert_eq!(
        result.evaluation.outcome,
        Outcome::Verdict(heard.answer.unwrap())
    );
}
