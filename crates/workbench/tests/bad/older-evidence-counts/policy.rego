package example.scanned

default allow := false

allow if count(clean) > 0

clean := [scan |
	some scan in scans
	scan.schema == "scan.v1"
	scan.outcome == "passed"
	is_number(scan.facts.files)
	scan.facts.files > 0
	scan.facts.serious == 0
]

findings := [{"control": "scanned", "status": status, "reason": reason, "entries": entries}]

status := "satisfied" if allow else := "failed"

reason := "nothing serious was found" if allow else := "nothing shows that nothing serious is in it"

entries := [newest.entry | newest]

newest := max([[one.recorded_ms, i, one] |
	some i, one in input.attestations
	one.type == "scan"
	one.name == "code"
	not one.foreign
])[2]

scans := [one |
	some one in input.attestations
	one.type == "scan"
	one.name == "code"
	not one.foreign
]
