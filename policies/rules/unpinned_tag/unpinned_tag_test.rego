package elfgate.rules.unpinned_tag_test

import data.elfgate.lib.sample

document := sample.document(["amd64"], [sample.starts("web", "amd64"), sample.starts("web", "s390x")])

judged(asked, mode) := verdict if {
	verdict := data.elfgate.main.verdict with input as asked
		with data.elfgate.config as object.union(data.elfgate.config, {"rules": {"unpinned_tag": mode}})
}

test_it_is_off_unless_set if {
	data.elfgate.rules.unpinned_tag.findings == set() with input as document
}

test_it_denies_and_sends_nowhere_else if {
	[denial.remedy | some denial in judged(document, "deny").denials] == ["name it with its digest"]
}

test_a_digest_is_enough if {
	pinned := json.patch(document, [{"op": "replace", "path": "/containers/0/digest", "value": "sha256:0"}])
	judged(pinned, "deny").allowed
}
