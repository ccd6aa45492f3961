package elfgate.rules.command_not_executable_test

import data.elfgate.lib.sample

test_it_takes_its_own_findings_only if {
	found := data.elfgate.rules.command_not_executable.findings with input as sample.one("command_not_executable", "fails")
	{finding.message | some finding in found} == {"/app: command_not_executable"}
}

test_it_denies if {
	verdict := data.elfgate.main.verdict with input as sample.one("command_not_executable", "fails")
	{violation.code | some violation in verdict.denials} == {"command_not_executable"}
}
