package bench.six

# Six release controls over a dossier, each of them in the way that policies are mostly written.

of_type(type) := [a |
	some a in input.attestations
	a.type == type
	a.foreign == false
	a.recorded_ms <= input.now_ms
]

default unit_tested := false

unit_tested if {
	some a in of_type("junit")
	a.facts.failed == 0
	a.facts.passed >= 100
}

default reviewed_merge := false

reviewed_merge if {
	some a in of_type("pull-request")
	a.facts.state == "merged"
	approvers := {person | some person in a.facts.approvers}
	count(approvers - {a.facts.author}) >= 1
}

default integration_tested := false

integration_tested if {
	passed := {suite.name |
		some a in of_type("junit")
		some suite in a.facts.suites
		suite.failed == 0
	}
	count({suite | some suite in ["suite-0", "suite-1", "suite-2"]} - passed) == 0
}

default security_scanned := false

security_scanned if {
	scans := of_type("sarif")
	count(scans) > 0
	count([finding | some a in scans; some finding in a.facts.findings; blocking(finding)]) == 0
}

blocking(finding) if {
	finding.severity in {"critical", "high"}
	not finding.rule in {"rule-0", "rule-1"}
}

default provenance := false

provenance if {
	some a in of_type("provenance")
	startswith(a.facts.builder, "https://ci.example")
	regex.match(`^https://git\.example/[a-z0-9-]+$`, a.facts.repository)
}

default segregation := false

segregation if {
	authors := {a.facts.author | some a in of_type("pull-request")}
	approvers := {approval.person | some approval in input.approvals; approval.status == "valid"}
	count(approvers) > 0
	count(authors & approvers) == 0
}

controls := {
	"unit-tested": unit_tested,
	"reviewed-merge": reviewed_merge,
	"integration-tested": integration_tested,
	"security-scanned": security_scanned,
	"provenance": provenance,
	"segregation": segregation,
}

failed contains control if {
	some control, met in controls
	not met
}

default allow := false

allow if count(failed) == 0

findings := [{"control": control, "status": status(met), "reason": "as its rule says", "entries": []} |
	some control, met in controls
]

status(met) := "satisfied" if met else := "failed"
