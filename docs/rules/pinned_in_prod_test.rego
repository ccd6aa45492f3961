package elfgate.rules.pinned_in_prod_test

import data.elfgate.lib.sample

of(namespace, digest) := json.patch(sample.document(["amd64"], [sample.starts("web", "amd64")]), [
	{"op": "replace", "path": "/request/namespace", "value": namespace},
	{"op": "replace", "path": "/containers/0/digest", "value": digest},
])

test_a_tag_is_denied_in_prod if {
	verdict := data.elfgate.main.verdict with input as of("prod", "")
	[denial.code | some denial in verdict.denials] == ["pinned_in_prod"]
}

test_a_digest_is_let_in if {
	verdict := data.elfgate.main.verdict with input as of("prod", "sha256:0")
	verdict.allowed
}

test_elsewhere_a_tag_is_let_in if {
	verdict := data.elfgate.main.verdict with input as of("shop", "")
	verdict.allowed
}
