package elfgate.rules.platform_label_wrong_test

import data.elfgate.lib.sample

test_it_takes_its_own_findings_only if {
	found := data.elfgate.rules.platform_label_wrong.findings with input as sample.one("platform_label_wrong", "note")
	{finding.message | some finding in found} == {"/app: platform_label_wrong"}
}

test_it_is_only_noted if {
	verdict := data.elfgate.main.verdict with input as sample.one("platform_label_wrong", "note")
	{violation.code | some violation in verdict.dryrun} == {"platform_label_wrong"}
}
