package elfgate.rules.cpu_level_test

import data.elfgate.lib.sample

test_it_takes_its_own_findings_only if {
	found := data.elfgate.rules.cpu_level.findings with input as sample.one("cpu_level", "fails")
	{finding.message | some finding in found} == {"/app: cpu_level"}
}

test_it_denies if {
	verdict := data.elfgate.main.verdict with input as sample.one("cpu_level", "fails")
	{violation.code | some violation in verdict.denials} == {"cpu_level"}
}

# Without the fact of the node, it starts for all that is known.
test_a_note_never_denies if {
	verdict := data.elfgate.main.verdict with input as sample.one("cpu_level", "note")
	verdict.allowed
	verdict.warnings == []
	{violation.code | some violation in verdict.dryrun} == {"cpu_level"}
}
