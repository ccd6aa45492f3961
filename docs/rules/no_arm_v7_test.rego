package elfgate.rules.no_arm_v7_test

import data.elfgate.lib.sample

on(platforms) := sample.document(platforms, [sample.starts("web", platform) | some platform in platforms])

test_what_lands_only_there_is_denied if {
	every platform in ["arm/v7", "arm/v6", "arm"] {
		verdict := data.elfgate.main.verdict with input as json.patch(
			on([platform]),
			[{"op": "replace", "path": "/targets/0/architecture", "value": "arm"}],
		)
		[denial.code | some denial in verdict.denials] == ["no_arm_v7"]
	}
}

test_other_architectures_are_let_in if {
	verdict := data.elfgate.main.verdict with input as on(["amd64", "arm64"])
	verdict.allowed
	verdict.warnings == []
}
