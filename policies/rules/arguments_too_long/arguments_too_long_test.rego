package elfgate.rules.arguments_too_long_test

import data.elfgate.lib.sample

test_it_takes_its_own_findings_only if {
	found := data.elfgate.rules.arguments_too_long.findings with input as sample.one("arguments_too_long", "fails")
	{finding.message | some finding in found} == {"/app: arguments_too_long"}
}

test_it_denies if {
	verdict := data.elfgate.main.verdict with input as sample.one("arguments_too_long", "fails")
	{violation.code | some violation in verdict.denials} == {"arguments_too_long"}
}
