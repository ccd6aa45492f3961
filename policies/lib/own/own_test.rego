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
	said(least) == ""
}

said(finding) := text if text := own.wrong({finding}) with input as document

test_a_platform_and_a_container_may_be_named if {
	finding := object.union(least, {"platform": "linux/arm64", "container": "web"})
	completed := own.completed({finding}) with input as document
	{[each.platform, each.container] | some each in completed} == {["linux/arm64", "web"]}
}

test_any_other_form_is_the_rules_failure if {
	every finding, text in {
		"no": "a finding of it is no object",
		object.remove(least, ["message"]): "its finding has no message",
		object.union(least, {"message": 1}): "its finding's message is not a string",
		object.union(least, {"remedy": ["a"]}): "its finding's remedy is not a string",
		object.union(least, {"effect": "explodes"}): "its finding's effect is none of fails, violates, unknown and note",
		object.union(least, {"position": "first"}): "its finding's position is not a number",
		object.union(least, {"image": 3}): "its finding's image is not a string",
		object.union(least, {"platform": "amd64"}): "its finding's platform is none of the pod's: amd64",
		object.union(least, {"platform": "linux/s390x"}): "its finding's platform is none of the pod's: linux/s390x",
		object.union(least, {"container": "nosuch"}): "its finding's container is none of the pod's: nosuch",
		object.union(least, {"mode": "warn"}): "a finding has no mode",
	} {
		completed := own.completed({finding}) with input as document
		completed == set()
		said(finding) == text
	}
}

with_labels(linkage) := object.union(linkage, {"labels": {}})

test_images_are_labelled_if_each_is_wherever_the_pod_may_land if {
	started := [sample.starts("web", "amd64"), sample.starts("web", "s390x")]
	some_labelled := sample.document(["amd64"], [with_labels(started[0]), started[1]])
	own.labelled with input as some_labelled
	not own.labelled with input as sample.document(["amd64", "s390x"], [with_labels(started[0]), started[1]])
}
