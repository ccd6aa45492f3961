package elfgate.lib.own_test

import data.elfgate.lib.own
import data.elfgate.lib.sample

document := sample.document(["amd64", "arm64"], [sample.starts("web", "amd64"), sample.starts("web", "arm64")])

least := {"message": "no"}

test_the_least_is_filled_in_and_is_about_the_pod_wherever_it_lands if {
	completed := own.completed({least}) with input as document
	completed == {{
		"container": "",
		"platform": "",
		"message": "no",
		"position": 3000,
		"effect": "violates",
		"reason": "",
		"remedy": "",
	}}
	not malformed(least)
}

malformed(finding) if own.malformed({finding}) with input as document

test_a_platform_and_a_container_may_be_named if {
	finding := object.union(least, {"platform": "linux/arm64", "container": "web"})
	completed := own.completed({finding}) with input as document
	{[each.platform, each.container] | some each in completed} == {["linux/arm64", "web"]}
}

test_any_other_form_is_the_rules_failure if {
	every finding in [
		"no",
		object.remove(least, ["message"]),
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
