package elfgate.rules.latest_tag_test

import data.elfgate.lib.sample

tagged(tag) := json.patch(
	sample.document(["amd64"], [sample.starts("web", "amd64")]),
	[{"op": "replace", "path": "/containers/0/tag", "value": tag}],
)

judged(document, mode) := verdict if {
	verdict := data.elfgate.main.verdict with input as document
		with data.elfgate.config as object.union(data.elfgate.config, {"rules": {"latest_tag": mode}})
}

test_it_is_off_unless_set if {
	data.elfgate.rules.latest_tag.findings == set() with input as tagged("latest")
}

test_it_denies_the_latest_and_what_has_no_tag if {
	[denial.code | some denial in judged(tagged("latest"), "deny").denials] == ["latest_tag"]
	[denial.code | some denial in judged(tagged(""), "deny").denials] == ["latest_tag"]
}

test_a_release_is_enough if {
	judged(tagged("1.2"), "deny").allowed
}

test_what_the_tag_means_is_said if {
	named := json.patch(tagged("latest"), [{"op": "replace", "path": "/containers/0/image", "value": "example/web:latest"}])
	judged(named, "deny").denials[0].lines == ["example/web:latest is whatever was pushed last  [latest_tag]"]
}
