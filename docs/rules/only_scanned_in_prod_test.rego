package elfgate.rules.only_scanned_in_prod_test

import data.elfgate.lib.sample

asked(namespace, linkages) := json.patch(
	sample.document(["amd64"], linkages),
	[{"op": "replace", "path": "/request/namespace", "value": namespace}],
)

unread := [sample.predicted("web", "amd64", "unknown", ["linkage_unknown"])]

test_what_has_not_been_read_is_denied_in_prod if {
	verdict := data.elfgate.main.verdict with input as asked("prod", unread)
	[denial.code | some denial in verdict.denials] == ["only_scanned_in_prod"]
}

test_elsewhere_it_is_only_warned_of if {
	verdict := data.elfgate.main.verdict with input as asked("shop", unread)
	verdict.allowed
}

test_what_has_been_read_is_let_in if {
	verdict := data.elfgate.main.verdict with input as asked("prod", [sample.starts("web", "amd64")])
	verdict.allowed
}
