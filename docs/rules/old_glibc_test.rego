package elfgate.rules.old_glibc_test

import data.elfgate.lib.sample

needing(version) := sample.document(["amd64"], [object.union(sample.starts("web", "amd64"), {"needs_glibc": version})])

test_a_newer_one_is_denied if {
	verdict := data.elfgate.main.verdict with input as needing([2, 34])
	[denial.lines | some denial in verdict.denials] == [["it needs glibc 2.34, which is newer than 2.28  [old_glibc]"]]
}

test_that_one_an_older_one_or_none_is_let_in if {
	every version in [[2, 28], [2, 4], []] {
		verdict := data.elfgate.main.verdict with input as needing(version)
		verdict.allowed
	}
}
