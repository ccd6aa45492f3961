package elfgate.rules.few_containers_test

import data.elfgate.lib.sample

of(names) := sample.document(["amd64"], [sample.starts(name, "amd64") | some name in names])

test_more_than_the_settings_take_are_denied if {
	verdict := data.elfgate.main.verdict with input as of(["a", "b", "c"])
		with data.elfgate.config.parameters.few_containers.most as 2
	[denial.lines | some denial in verdict.denials] == [["it has 3 containers, more than 2  [few_containers]"]]
}

test_as_many_are_let_in if {
	verdict := data.elfgate.main.verdict with input as of(["a", "b"])
		with data.elfgate.config.parameters.few_containers.most as 2
	verdict.allowed
}
