package elfgate.rules.musl_on_ppc64le_test

import data.elfgate.lib.sample

on(architectures) := sample.document(
	architectures,
	[sample.starts("web", architecture) | some architecture in architectures],
)

test_it_is_denied_where_it_lands_nowhere_else if {
	verdict := data.elfgate.main.verdict with input as on(["ppc64le"])
	[denial.headline | some denial in verdict.denials] == ["web (example/web:1) cannot start on ppc64le (ppc64le-1)"]
}

test_it_is_warned_of_where_another_platform_is_left if {
	verdict := data.elfgate.main.verdict with input as on(["amd64", "ppc64le"])
	verdict.allowed
	[warning.code | some warning in verdict.warnings] == ["musl_on_ppc64le"]
}
