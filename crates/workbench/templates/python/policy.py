"""unit-tested: the newest unit test report has enough tests, and none failed.

Parameters: `name`, the attestation (default `unit-tests`); `tests_min`, how many must pass (default 1).
"""

import json

import wit_world
from wit_world.imports.types import Attestation, Dossier, Finding, Outcome, Status, Verdict

CONTROL = "unit-tested"


class WitWorld(wit_world.WitWorld):
    """What the host calls, in a fresh instance each time; everything is as `wit/policy.wit` has it."""

    def evaluate(self, dossier: Dossier, parameters: str) -> Verdict:
        finding = judge(dossier, json.loads(parameters))
        return Verdict(finding.status == Status.SATISFIED, [finding])


def judge(dossier: Dossier, given: dict) -> Finding:
    parameters = {"name": "unit-tests", "tests_min": 1} | given
    name, tests_min = parameters["name"], parameters["tests_min"]
    # An unknown parameter is refused, so that a misspelt one cannot weaken the policy.
    if len(parameters) > 2 or not isinstance(name, str) or not is_count(tests_min):
        return failed("the parameters are not as documented")
    report = newest(dossier, "junit", name)
    if report is None:
        return failed(f"there is no test report `{name}`")
    if report.schema != "junit.v1":
        return failed(f"`{name}` has facts of the unknown schema `{report.schema}`", report)
    facts = json.loads(report.facts)
    errors, failures, passed, tests = (facts.get(key) for key in ("errors", "failed", "passed", "tests"))
    if not all(map(is_count, (errors, failures, passed, tests))):
        return failed(f"`{name}` has facts that are not `junit.v1`", report)
    # Zero tests are no tests, whatever the parameter says.
    tests_min = max(1, tests_min)
    if failures + errors > 0:
        return failed(f"`{name}`: {failures + errors} of {tests} tests failed", report)
    if report.outcome != Outcome.PASSED:
        return failed(f"`{name}` is not reported as passed", report)
    if passed < tests_min:
        return failed(f"`{name}`: {passed} tests passed, at least {tests_min} must", report)
    return finding(Status.SATISFIED, f"`{name}`: {passed} tests passed", report)


def newest(dossier: Dossier, type_: str, name: str) -> Attestation | None:
    """A re-run replaces the run before, for better or worse; of two at one time the later in the list counts.

    Evidence from another flow is none.
    """
    best = None
    for evidence in dossier.attestations:
        if evidence.type == type_ and evidence.name == name and not evidence.foreign:
            if best is None or best.recorded_ms <= evidence.recorded_ms:
                best = evidence
    return best


def is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def failed(reason: str, evidence: Attestation | None = None) -> Finding:
    return finding(Status.FAILED, reason, evidence)


def finding(status: Status, reason: str, evidence: Attestation | None) -> Finding:
    return Finding(CONTROL, status, reason, [evidence.entry] if evidence else [])
