package elfgate.rules.owned_test

import data.elfgate.lib.sample

of(object_labels, pod_labels) := object.union(sample.document(["amd64"], [sample.starts("web", "amd64")]), {
	"request": object.union(
		sample.document([], []).request,
		{"labels": object_labels},
	),
	"pod": {"labels": pod_labels},
})

test_nobodys_pod_is_denied if {
	verdict := data.elfgate.main.verdict with input as of({}, {})
	[denial.headline | some denial in verdict.denials] == ["this pod is not allowed"]
}

test_a_label_in_either_place_is_enough if {
	every document in [of({"team": "a"}, {}), of({}, {"team": "a"})] {
		verdict := data.elfgate.main.verdict with input as document
		verdict.allowed
	}
}
