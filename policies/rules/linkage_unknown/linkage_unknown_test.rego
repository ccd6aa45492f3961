package elfgate.rules.linkage_unknown_test

import data.elfgate.lib.sample

test_it_takes_its_own_findings_only if {
	found := data.elfgate.rules.linkage_unknown.findings with input as sample.one("linkage_unknown", "unknown")
	{finding.message | some finding in found} == {"/app: linkage_unknown"}
}

test_it_warns if {
	verdict := data.elfgate.main.verdict with input as sample.one("linkage_unknown", "unknown")
	{violation.code | some violation in verdict.warnings} == {"linkage_unknown"}
}

test_what_was_not_predicted_is_unknown if {
	document := sample.document(["amd64", "s390x"], [sample.starts("web", "amd64")])
	verdict := data.elfgate.main.verdict with input as document
	verdict.allowed
	verdict.unknown
	some warning in verdict.warnings
	warning.platforms == ["linux/s390x"]
	warning.lines == ["the image has not been read for this platform yet  [linkage_unknown]"]
}
