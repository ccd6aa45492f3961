package elfgate.rules.frozen_test

import data.elfgate.lib.sample

of(today, tag) := json.patch(sample.document(["amd64"], [sample.starts("web", "amd64")]), [
	{"op": "replace", "path": "/request/today", "value": today},
	{"op": "replace", "path": "/containers/0/tag", "value": tag},
])

test_it_is_denied_before_its_day if {
	verdict := data.elfgate.main.verdict with input as of("2026-05-31", "2")
	[denial.code | some denial in verdict.denials] == ["frozen"]
}

test_it_is_let_in_on_its_day if {
	verdict := data.elfgate.main.verdict with input as of("2026-06-01", "2")
	verdict.allowed
}

test_another_release_is_let_in if {
	verdict := data.elfgate.main.verdict with input as of("2026-05-31", "1")
	verdict.allowed
}
