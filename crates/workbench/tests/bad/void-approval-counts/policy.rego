package example.approved

default allow := false

allow if {
	input.change.complete
	count(approvals) > 0
}

findings := [{"control": "approved", "status": status, "reason": reason, "entries": entries}]

status := "satisfied" if allow else := "failed"

reason := "somebody approved who had no part in it" if allow else := "nobody approved who had no part in it"

entries := [approval.entry | some approval in approvals]

approvals := [approval |
	some approval in input.approvals
	approval.status in {"valid", "stale"}
	approval.expires_ms > input.now_ms
	not approval.person in people
]

people := {person | some commit in input.change.commits; some person in commit.people}
