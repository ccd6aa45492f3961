package elfgate.rules.image_volume_test

import data.elfgate.lib.sample

test_it_takes_its_own_findings_only if {
	found := data.elfgate.rules.image_volume.findings with input as sample.one("image_volume", "fails")
	{finding.message | some finding in found} == {"/app: image_volume"}
}

test_it_denies if {
	verdict := data.elfgate.main.verdict with input as sample.one("image_volume", "fails")
	{violation.code | some violation in verdict.denials} == {"image_volume"}
}
