package elfgate.rules.user_missing_test

import data.elfgate.lib.sample

test_it_takes_its_own_findings_only if {
	found := data.elfgate.rules.user_missing.findings with input as sample.one("user_missing", "fails")
	{finding.message | some finding in found} == {"/app: user_missing"}
}

test_it_denies if {
	verdict := data.elfgate.main.verdict with input as sample.one("user_missing", "fails")
	{violation.code | some violation in verdict.denials} == {"user_missing"}
}
