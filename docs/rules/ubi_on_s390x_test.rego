package elfgate.rules.ubi_on_s390x_test

import data.elfgate.lib.sample

of(architecture, variant) := sample.document([architecture], [object.union(
	sample.starts("web", architecture),
	{"variant": {"id": variant, "version": "", "libc": ""}},
)])

test_alpine_is_denied_on_s390x if {
	verdict := data.elfgate.main.verdict with input as of("s390x", "alpine")
	[denial.lines | some denial in verdict.denials] == [["workloads on s390x use the UBI variant, and this is alpine  [ubi_on_s390x]"]]
	[denial.remedy | some denial in verdict.denials] == ["use the tag that ends in -ubi"]
}

test_ubi_is_let_in if {
	verdict := data.elfgate.main.verdict with input as of("s390x", "rhel")
	verdict.allowed
}

test_elsewhere_anything_is_let_in if {
	verdict := data.elfgate.main.verdict with input as of("amd64", "alpine")
	verdict.allowed
}
