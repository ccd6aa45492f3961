package elfgate.rules.our_registries_test

import data.elfgate.lib.sample

of(repository) := json.patch(
	sample.document(["amd64"], [sample.starts("web", "amd64")]),
	[{"op": "replace", "path": "/containers/0/repository", "value": repository}],
)

denied(repository) if {
	verdict := data.elfgate.main.verdict with input as of(repository)
	[denial.code | some denial in verdict.denials] == ["our_registries"]
}

test_another_registry_is_denied if {
	denied("ghcr.example/team/app")
	denied("nginx")
	denied("registry.example.evil/app")
}

test_ours_is_let_in if {
	verdict := data.elfgate.main.verdict with input as of("registry.example/team/app")
	verdict.allowed
}

test_the_settings_may_name_others if {
	verdict := data.elfgate.main.verdict with input as of("mirror.example/app")
		with data.elfgate.config.parameters.our_registries.registries as ["mirror.example/"]
	verdict.allowed
}
