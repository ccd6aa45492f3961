package elfgate.rules.run_as_root_test

import data.elfgate.lib.sample

test_it_takes_its_own_findings_only if {
	found := data.elfgate.rules.run_as_root.findings with input as sample.one("run_as_root", "fails")
	{finding.message | some finding in found} == {"/app: run_as_root"}
}

test_it_denies if {
	verdict := data.elfgate.main.verdict with input as sample.one("run_as_root", "fails")
	{violation.code | some violation in verdict.denials} == {"run_as_root"}
}
