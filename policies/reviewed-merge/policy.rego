# reviewed-merge: every commit of the change came by a merged pull request that enough other people approved.
#
# Parameters: `approvals_min`, how many who had no part in the pull request must have approved its last commit
# (default 1, at least 1); `bases`, the branches that count (default `["main", "master"]`); `repositories`, those that
# count (default: any).
package trailmark.reviewed_merge

default allow := false

allow if satisfied

findings contains {
	"control": "reviewed-merge",
	"status": status,
	"reason": reason,
	"entries": [request.entry | some request in requests],
}

default status := "failed"

status := "satisfied" if satisfied

defaults := {"approvals_min": 1, "bases": ["main", "master"], "repositories": []}

parameters := object.union(defaults, input.parameters)

# An unknown parameter is refused, so that a misspelt one cannot weaken the policy.
documented if {
	object.keys(parameters) == object.keys(defaults)
	is_number(parameters.approvals_min)
	is_array(parameters.bases)
	is_array(parameters.repositories)
}

approvals_min := max([1, parameters.approvals_min])

# Evidence from another flow is none.
statements := [[attestation.recorded_ms, i, attestation] |
	documented
	some i, attestation in input.attestations
	attestation.type == "pull-request"
	not attestation.foreign
]

names := {statement[2].name | some statement in statements}

# Of each name the newest statement counts.
requests := [max([statement | some statement in statements; statement[2].name == name])[2] | some name in names]

reviewed := [request |
	some request in requests
	request.schema == "pull-request.v1"
	request.outcome == "passed"
	readable(request.facts)
	request.facts.state == "merged"
	request.facts.base in parameters.bases
	trusted(request.facts.repository)
	count(independent(request.facts)) >= approvals_min
]

# Who cannot be read cannot be left out: of lists that are missing or damaged, nothing follows.
readable(facts) if {
	is_string(facts.author)
	every list in [facts.approvers, facts.commits, facts.stale_approvers] {
		is_array(list)
		every item in list {
			is_string(item)
		}
	}
}

trusted(_) if count(parameters.repositories) == 0

trusted(repository) if repository in parameters.repositories

# Who approved what was merged and had no part in it. Of an author whom nobody knows, nobody can be said to be another
# person.
independent(facts) := {approver |
	some approver in facts.approvers
	approver != facts.author
	not approver in facts.stale_approvers
	not approver in participants(facts)
}

participants(facts) := {person |
	some commit in input.change.commits
	commit.sha in facts.commits
	some person in commit.people
}

covered contains sha if {
	some request in reviewed
	some sha in array.concat(request.facts.commits, [request.facts.head])
}

# A squashed merge is a commit of its own.
covered contains request.facts.merge_commit if some request in reviewed

uncovered := [commit.sha | some commit in input.change.commits; not commit.sha in covered]

satisfied if {
	count(reviewed) > 0
	input.change.complete
	count(uncovered) == 0
}

reason := "the parameters are not as documented" if not documented

else := "there is no pull request" if count(requests) == 0

else := sprintf("of %d pull requests none is merged and approved by %d who had no part in it", [count(requests), approvals_min]) if count(reviewed) == 0

else := "it is not known who took part in the whole change" if not input.change.complete

else := sprintf("commit `%s` came without an approved pull request", [uncovered[0]]) if count(uncovered) > 0

else := sprintf("%d commits came by %d approved pull requests", [count(input.change.commits), count(reviewed)])
