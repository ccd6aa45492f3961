package elfgate.rules.exec_format_test

import data.elfgate.lib.sample

test_it_takes_its_own_findings_only if {
	found := data.elfgate.rules.exec_format.findings with input as sample.one("exec_format", "fails")
	{finding.message | some finding in found} == {"/app: exec_format"}
}

test_it_denies if {
	verdict := data.elfgate.main.verdict with input as sample.one("exec_format", "fails")
	{violation.code | some violation in verdict.denials} == {"exec_format"}
}
