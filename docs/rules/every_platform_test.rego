package elfgate.rules.every_platform_test

import data.elfgate.lib.sample

partly := [sample.starts("web", "amd64"), sample.predicted("web", "arm64", "fails", ["exec_format"])]

of(namespace) := json.patch(
	sample.document(["amd64", "arm64"], partly),
	[{"op": "replace", "path": "/request/namespace", "value": namespace}],
)

test_one_platform_is_not_enough_for_a_team if {
	verdict := data.elfgate.main.verdict with input as of("team-a")
	[denial.code | some denial in verdict.denials] == ["every_platform"]
}

test_elsewhere_it_is if {
	verdict := data.elfgate.main.verdict with input as of("shop")
	verdict.allowed
}
