package elfgate.rules.page_size_test

import data.elfgate.lib.sample

test_it_takes_its_own_findings_only if {
	found := data.elfgate.rules.page_size.findings with input as sample.one("page_size", "fails")
	{finding.message | some finding in found} == {"/app: page_size"}
}

test_it_denies if {
	verdict := data.elfgate.main.verdict with input as sample.one("page_size", "fails")
	{violation.code | some violation in verdict.denials} == {"page_size"}
}

# Without the fact of the node, it starts for all that is known.
test_a_note_never_denies if {
	verdict := data.elfgate.main.verdict with input as sample.one("page_size", "note")
	verdict.allowed
	verdict.warnings == []
	{violation.code | some violation in verdict.dryrun} == {"page_size"}
}
