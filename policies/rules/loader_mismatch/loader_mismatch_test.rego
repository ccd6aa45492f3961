package elfgate.rules.loader_mismatch_test

import data.elfgate.lib.sample

test_it_takes_its_own_findings_only if {
	found := data.elfgate.rules.loader_mismatch.findings with input as sample.one("loader_mismatch", "fails")
	{finding.message | some finding in found} == {"/app: loader_mismatch"}
}

test_it_denies if {
	verdict := data.elfgate.main.verdict with input as sample.one("loader_mismatch", "fails")
	{violation.code | some violation in verdict.denials} == {"loader_mismatch"}
}
