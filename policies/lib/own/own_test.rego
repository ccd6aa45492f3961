package elfgate.lib.own_test

import data.elfgate.lib.own
import data.elfgate.lib.sample

document := sample.document(["amd64", "arm64"], [sample.starts("web", "amd64"), sample.starts("web", "arm64")])

least := {"container": "web", "message": "no"}

test_the_least_is_filled_in_and_is_for_every_platform if {
	completed := own.completed({least}) with input as document
	completed == {finding |
		some platform in ["linux/amd64", "linux/arm64"]
		finding := {
			"container": "web",
			"platform": platform,
			"message": "no",
			"position": 3000,
			"effect": "violates",
			"reason": "",
			"remedy": "",
		}
	}
	not malformed(least)
}

malformed(finding) if own.malformed({finding}) with input as document

test_a_platform_may_be_named if {
	finding := object.union(least, {"platform": "linux/arm64"})
	completed := own.completed({finding}) with input as document
	{each.platform | some each in completed} == {"linux/arm64"}
}

test_any_other_form_is_the_rules_failure if {
	every finding in [
		"no",
		object.remove(least, ["container"]),
		object.union(least, {"message": 1}),
		object.union(least, {"effect": "explodes"}),
		object.union(least, {"position": "first"}),
		object.union(least, {"image": 3}),
		object.union(least, {"platform": "amd64"}),
		object.union(least, {"platform": "linux/s390x"}),
		object.union(least, {"container": "nosuch"}),
		object.union(least, {"mode": "warn"}),
	] {
		completed := own.completed({finding}) with input as document
		completed == set()
		malformed(finding)
	}
}
