package elfgate.rules.addon_mismatch_test

import data.elfgate.lib.sample

test_it_takes_its_own_findings_only if {
	found := data.elfgate.rules.addon_mismatch.findings with input as sample.one("addon_mismatch", "note")
	{finding.message | some finding in found} == {"/app: addon_mismatch"}
}

test_it_is_only_noted if {
	verdict := data.elfgate.main.verdict with input as sample.one("addon_mismatch", "note")
	{violation.code | some violation in verdict.dryrun} == {"addon_mismatch"}
}
