# METADATA
# title: Findings of rules that elfgate did not write
# description: >-
#   A finding needs a message. Without a container it is about the pod as a whole; without a platform it holds wherever the
#   pod lands, also where no node matches; the rest is filled in. A finding of any other form (a platform or container that
#   the document does not have, an unknown key, a wrong type) would be passed over in silence: it counts as the rule's
#   failure instead.
# custom:
#   looks_at: [image_labels]
#   says: [image_names]
package elfgate.lib.own

import data.elfgate.lib.pod

defaults := {"position": 3000, "effect": "violates", "reason": "", "remedy": "", "platform": "", "container": ""}

optional := {"image"}

completed(findings) := {object.union(defaults, finding) |
	some finding in findings
	count(faults(finding)) == 0
}

# What is wrong with a rule's findings, the first of it; empty if nothing is.
wrong(findings) := concat("", array.slice(
	sort({said |
		some finding in findings
		some said in faults(finding)
	}),
	0, 1,
))

# Whether the labels of each image are known wherever the pod may land.
labelled if {
	every linkage in input.linkages {
		is_labelled(linkage)
	}
}

is_labelled(linkage) if linkage.labels

is_labelled(linkage) if not linkage.platform in pod.landing

platforms := ({""} | pod.landing) | {linkage.platform | some linkage in input.linkages}

keys := object.keys(defaults) | (optional | {"message"})

effects := {"fails", "violates", "unknown", "note"}

texts := ["container", "image", "message", "platform", "reason", "remedy"]

faults(finding) := {"a finding of it is no object"} if not is_object(finding)

faults(finding) := union({unknown_keys(finding), not_texts(finding), strangers(finding), lacks(finding)}) if is_object(finding)

unknown_keys(finding) := {concat("", ["a finding has no ", sprintf("%v", [key])]) |
	some key in (object.keys(finding) - keys)
}

not_texts(finding) := {concat("", ["its finding's ", key, " is not a string"]) |
	some key in texts
	key in object.keys(finding)
	not is_string(finding[key])
}

strangers(finding) := {concat("", ["its finding's ", key, " is none of the pod's: ", finding[key]]) |
	some key, known in {"platform": platforms, "container": (pod.containers | {""})}
	key in object.keys(finding)
	is_string(finding[key])
	not finding[key] in known
}

lacks(finding) := {said |
	some said, holds in {
		"its finding has no message": "message" in object.keys(finding),
		"its finding's position is not a number": is_number(object.get(finding, "position", 0)),
		"its finding's effect is none of fails, violates, unknown and note": object.get(finding, "effect", "fails") in effects,
	}
	not holds
}
