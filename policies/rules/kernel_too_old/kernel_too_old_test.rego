package elfgate.rules.kernel_too_old_test

import data.elfgate.lib.sample

test_it_takes_its_own_findings_only if {
	found := data.elfgate.rules.kernel_too_old.findings with input as sample.one("kernel_too_old", "fails")
	{finding.message | some finding in found} == {"/app: kernel_too_old"}
}

test_it_denies if {
	verdict := data.elfgate.main.verdict with input as sample.one("kernel_too_old", "fails")
	{violation.code | some violation in verdict.denials} == {"kernel_too_old"}
}

# Without the fact of the node, it starts for all that is known.
test_a_note_never_denies if {
	verdict := data.elfgate.main.verdict with input as sample.one("kernel_too_old", "note")
	verdict.allowed
	verdict.warnings == []
	{violation.code | some violation in verdict.dryrun} == {"kernel_too_old"}
}
