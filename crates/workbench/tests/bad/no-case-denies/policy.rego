package example.scanned

default allow := false

allow if clean

clean if {
	newest.schema == "scan.v1"
	newest.outcome == "passed"
	is_number(newest.facts.files)
	newest.facts.files > 0
	newest.facts.serious == 0
}

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
