package elfgate.rules.probe_cannot_start_test

import data.elfgate.lib.sample

test_it_takes_its_own_findings_only if {
	found := data.elfgate.rules.probe_cannot_start.findings with input as sample.one("probe_cannot_start", "note")
	{finding.message | some finding in found} == {"/app: probe_cannot_start"}
}

test_it_warns if {
	verdict := data.elfgate.main.verdict with input as sample.one("probe_cannot_start", "note")
	{violation.code | some violation in verdict.warnings} == {"probe_cannot_start"}
}
