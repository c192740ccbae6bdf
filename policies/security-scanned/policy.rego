# security-scanned: there is a security scan, and nothing that any scan found is worse than allowed.
#
# Parameters: `names`, the scans that must be there (default: at least one of any name); `severity_max`, the worst
# severity that is allowed: `none`, `low`, `medium`, `high` or `critical` (default `medium`). What a scanner says was
# suppressed does not count.
package trailmark.security_scanned

default allow := false

allow if satisfied

findings contains {
	"control": "security-scanned",
	"status": status,
	"reason": reason,
	"entries": [scan.entry | some scan in scans],
}

default status := "failed"

status := "satisfied" if satisfied

severities := ["none", "low", "medium", "high", "critical"]

defaults := {"names": [], "severity_max": "medium"}

parameters := object.union(defaults, input.parameters)

# An unknown parameter is refused, so that a misspelt one cannot weaken the policy.
documented if {
	object.keys(parameters) == object.keys(defaults)
	is_array(parameters.names)
	parameters.severity_max in severities
}

# Evidence from another flow is none.
statements := [[attestation.recorded_ms, i, attestation] |
	documented
	some i, attestation in input.attestations
	attestation.type == "sarif"
	not attestation.foreign
]

names := {statement[2].name | some statement in statements}

# Of each name the newest scan counts, clean or not.
scans := [max([statement | some statement in statements; statement[2].name == name])[2] | some name in names]

unknown := [scan.name | some scan in scans; scan.schema != "sarif.v1"]

missing := [name | some name in parameters.names; not name in names]

# A scanner that did not run to its end has seen nothing, and nor has one that does not say so.
broken := [scan.name | some scan in scans; not ran(scan.facts)]

ran(facts) if {
	is_array(facts.tools)
	count(facts.tools) > 0
	facts.failed_runs == 0
	counted := [severity | some severity in severities; is_number(facts.by_severity[severity])]
	count(counted) == count(severities)
}

allowed := max([i | some i, severity in severities; severity == parameters.severity_max])

serious := [sprintf("`%s` found %d of severity %s", [scan.name, found, severity]) |
	some scan in scans
	some i, severity in severities
	i > allowed
	found := scan.facts.by_severity[severity]
	found > 0
]

satisfied if {
	documented
	count(scans) > 0
	count(unknown) == 0
	count(missing) == 0
	count(broken) == 0
	count(serious) == 0
}

reason := "the parameters are not as documented" if not documented

else := "there is no security scan" if count(scans) == 0

else := sprintf("there is no scan `%v`", [missing[0]]) if count(missing) > 0

else := sprintf("`%s` has facts of an unknown schema", [unknown[0]]) if count(unknown) > 0

else := sprintf("the scan `%s` did not run to its end", [broken[0]]) if count(broken) > 0

else := serious[count(serious) - 1] if count(serious) > 0

else := sprintf("%d scans found nothing worse than %s", [count(scans), parameters.severity_max])
