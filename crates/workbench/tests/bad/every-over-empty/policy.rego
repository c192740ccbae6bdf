package example.scanned

default allow := false

allow if {
	every scan in scans {
		scan.facts.serious == 0
	}
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

scans := [one |
	some one in input.attestations
	one.type == "scan"
	one.name == "code"
	not one.foreign
]
