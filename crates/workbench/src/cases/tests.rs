use std::fs;

use policy::{Denial, Status};

use super::*;

fn parse(text: &str) -> Result<Cases, CasesError> {
    Cases::parse("cases.yaml".as_ref(), text.into())
}

fn wrong(text: &str) -> String {
    parse(text).unwrap_err().to_string()
}

#[test]
fn what_a_case_leaves_out_has_a_default() {
    let cases = parse(
        "- case: one report\n  attestations: [{entry: 7, type: junit}]\n  approvals: [{entry: 255, person: person-00000000000000bb, status: valid}]\n  expect: {status: failed}\n",
    )
    .unwrap();
    let case = cases.iter().next().unwrap();
    let (attestation, approval) = (&case.dossier.attestations[0], &case.dossier.approvals[0]);
    assert_eq!(
        (attestation.name.as_str(), attestation.schema.as_str()),
        ("junit", "junit.v1")
    );
    assert_eq!(
        (attestation.recorded_ms, attestation.facts.get()),
        (7_000, "{}")
    );
    assert_eq!(
        (approval.recorded_ms, approval.expires_ms),
        (255_000, 2_000_000)
    );
    assert!(case.dossier.change.complete && case.dossier.now_ms == 1_000_000);
    assert_eq!(case.parameters_json(), "{}");
    assert_eq!(case.place.to_string(), "cases.yaml:1:9");
}

#[test]
fn what_a_case_gives_replaces_the_default() {
    let cases = parse(
        "- case: all given
  parameters: {b: 1, a: [x]}
  limits: {fuel: 5, memory_bytes: 6}
  now_ms: 9
  subject: {flow: web, environment: staging}
  attestations:
    - {entry: 1, type: a, name: b, outcome: neutral, schema: c.v2, facts: {z: 1, a: 2}, recorded_ms: 2, claimed_ms: 3, flow: other, foreign: true, subject: trail}
  change: {complete: false, commits: []}
  required: [{type: a, name: b, subject: artifact}]
  expect: {allow: false}
",
    )
    .unwrap();
    let case = cases.iter().next().unwrap();
    assert_eq!(case.parameters_json(), r#"{"a":["x"],"b":1}"#);
    assert_eq!(
        (case.within.fuel, case.within.memory_bytes),
        (Some(5), Some(6))
    );
    let dossier = &case.dossier;
    assert_eq!((dossier.now_ms, dossier.subject.flow.as_str()), (9, "web"));
    let attestation = &dossier.attestations[0];
    assert_eq!(attestation.facts.get(), r#"{"a":2,"z":1}"#);
    assert!(attestation.foreign && attestation.recorded_ms == 2);
    assert!(!dossier.change.complete && dossier.required.len() == 1);
}

#[test]
fn an_expectation_is_an_answer_its_findings_or_a_denial() {
    let expect = |text: &str| {
        let cases = parse(&format!("- case: x\n  expect: {text}\n")).unwrap();
        cases.iter().next().unwrap().expect.clone()
    };
    let allows = |text: &str| expect(text).allows();
    assert_eq!(
        expect("{denial: out-of-fuel}"),
        Expect::Denial(Denial::OutOfFuel)
    );
    assert_eq!(allows("{denial: trapped, allow: false}"), Some(false));
    assert_eq!(allows("{allow: true}"), Some(true));
    assert_eq!(allows("{status: failed}"), Some(false));
    assert_eq!(allows("{status: satisfied}"), Some(true));
    assert_eq!(allows("{status: satisfied, allow: false}"), Some(false));
    assert_eq!(allows("{reason: because}"), None);
    let Expect::Verdict { findings, .. } =
        expect("{findings: [{control: b}, {control: a, status: failed, entries: [1]}]}")
    else {
        panic!("no verdict is expected");
    };
    let findings = findings.unwrap();
    assert_eq!(findings[1].status, Some(Status::Failed));
    assert_eq!(findings[1].entries.as_ref().unwrap().len(), 1);
}

#[test]
fn an_expectation_that_contradicts_itself_is_refused() {
    for (expect, said) in [
        ("{}", "nothing is expected"),
        ("{allow: true, status: failed}", "failed finding"),
        ("{denial: trapped, allow: true}", "does not allow"),
        ("{denial: trapped, reason: x}", "has no findings"),
        ("{findings: [], status: failed}", "single finding"),
    ] {
        let error = wrong(&format!(
            "- case: good\n  expect: {{allow: true}}\n- case: x\n  expect: {expect}\n"
        ));
        assert!(
            error.starts_with("cases.yaml:3:9: ") && error.contains(said),
            "{expect}: {error}"
        );
    }
}

#[test]
fn what_is_wrong_is_shown_with_line_and_column() {
    for (text, place, said) in [
        (
            "- case: x\n  expct: {allow: true}\n",
            "cases.yaml:2:",
            "expct",
        ),
        (
            "- case: x\n  expect: {allow: perhaps}\n",
            "cases.yaml:2:",
            "",
        ),
        ("- case: x\n  expect: [\n", "cases.yaml:", ""),
        (
            "- case: x\n  expect: {denial: tired}\n",
            "cases.yaml:2:",
            "tired",
        ),
        ("case: x\n", "cases.yaml:1:", ""),
    ] {
        let error = wrong(text);
        assert!(error.starts_with(place) && error.contains(said), "{error}");
    }
}

#[test]
fn no_case_at_all_is_an_error() {
    for text in ["", "[]", "# nothing yet\n"] {
        assert!(
            matches!(parse(text), Err(CasesError::Empty { .. })),
            "{text:?}"
        );
    }
}

#[test]
fn two_cases_of_one_name_are_refused() {
    let case = "- case: x\n  expect: {allow: true}\n";
    let error = wrong(&case.repeat(2));
    assert!(
        error.starts_with("cases.yaml:3:9: another case is called `x`"),
        "{error}"
    );
}

#[test]
fn a_dossier_of_a_file_is_taken_whole_and_its_parts_can_be_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let first = parse(
        "- case: x\n  attestations: [{entry: 1, type: a, facts: {b: 1, a: 2}}]\n  expect: {allow: true}\n",
    );
    let dossier = &first.unwrap().list[0].dossier;
    let pretty = serde_json::to_value(dossier).unwrap();
    fs::write(folder.path().join("x.json"), format!("{pretty:#}")).unwrap();
    let path = folder.path().join("cases.yaml");
    let text = "- case: as it was\n  dossier: x.json\n  expect: {allow: true}\n- case: later\n  dossier: x.json\n  now_ms: 5\n  expect: {allow: true}\n";
    fs::write(&path, text).unwrap();
    let cases = Cases::open(&path).unwrap();
    let json = |dossier: &Dossier| serde_json::to_value(dossier).unwrap();
    assert_eq!(json(&cases.list[0].dossier), pretty);
    assert_eq!(cases.list[1].dossier.now_ms, 5);

    fs::write(folder.path().join("x.json"), "{\n  \"now\": 1\n}").unwrap();
    let error = Cases::open(&path).unwrap_err().to_string();
    assert!(error.contains("x.json:2:"), "{error}");
}

#[test]
fn a_file_that_is_too_large_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cases.yaml");
    fs::write(
        &path,
        vec![b'\n'; usize::try_from(CASES_BYTES_MAX).unwrap() + 1],
    )
    .unwrap();
    let error = Cases::open(&path).unwrap_err();
    assert!(
        matches!(error, CasesError::Read(ReadError::TooLarge { .. })),
        "{error}"
    );
}
