# unit-tested: the newest unit test report has enough tests, and none failed. The same policy as `src/lib.rs`.
#
# Parameters: `name`, the attestation (default `unit-tests`); `tests_min`, how many must pass (default 1).
package trailmark.unit_tested

default allow := false

allow if satisfied

findings contains {
	"control": "unit-tested",
	"status": status,
	"reason": reason,
	"entries": [newest.entry | newest],
}

default status := "failed"

status := "satisfied" if satisfied

parameters := object.union({"name": "unit-tests", "tests_min": 1}, input.parameters)

# An unknown parameter is refused, so that a misspelt one cannot weaken the policy.
documented if {
	object.keys(parameters) == {"name", "tests_min"}
	is_string(parameters.name)
	is_number(parameters.tests_min)
	parameters.tests_min >= 0
}

# Zero tests are no tests, whatever the parameter says.
tests_min := max([1, parameters.tests_min])

# A re-run replaces the run before, for better or worse. Evidence from another flow is none.
newest := max([[attestation.recorded_ms, i, attestation] |
	documented
	some i, attestation in input.attestations
	attestation.type == "junit"
	attestation.name == parameters.name
	not attestation.foreign
])[2]

known if newest.schema == "junit.v1"

broken := newest.facts.failed + newest.facts.errors

satisfied if {
	known
	newest.outcome == "passed"
	broken == 0
	is_number(newest.facts.passed)
	newest.facts.passed >= tests_min
}

reason := "the parameters are not as documented" if not documented

else := sprintf("there is no test report `%s`", [parameters.name]) if not newest

else := sprintf("`%s` has facts of the unknown schema `%s`", [newest.name, newest.schema]) if not known

else := sprintf("`%s`: %d of %d tests failed", [newest.name, broken, newest.facts.tests]) if broken > 0

else := sprintf("`%s` is not reported as passed", [newest.name]) if newest.outcome != "passed"

else := sprintf("`%s`: %d tests passed, at least %d must", [newest.name, newest.facts.passed, tests_min]) if not satisfied

else := sprintf("`%s`: %d tests passed", [newest.name, newest.facts.passed])
