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

nowhere := json.patch(document, [{"op": "replace", "path": "/targets", "value": []}])

test_it_denies_where_no_node_matches_too if {
	[denial.headline | some denial in judged(nowhere, "deny").denials] == ["web (example/web:1) is not allowed"]
	[warning.headline | some warning in judged(nowhere, "warn").warnings] == ["web (example/web:1) should not run"]
}

test_it_denies_what_may_come_to_land_elsewhere if {
	opening := {"reason": "gated", "because": "it is gated"}
	not judged(object.union(document, {"openings": [opening]}), "deny").allowed
}
