# METADATA
# title: Findings of rules that elfgate did not write
# description: >-
#   A finding needs a message. Without a container it is about the pod as a whole; without a platform it holds wherever the
#   pod lands, also where no node matches; the rest is filled in. A finding of any other form (a platform or container that
#   the document does not have, an unknown key, a wrong type) would be passed over in silence: it counts as the rule's
#   failure instead.
# custom:
#   looks_at: []
#   says: [image_names]
package elfgate.lib.own

import data.elfgate.lib.pod

defaults := {"position": 3000, "effect": "violates", "reason": "", "remedy": "", "platform": "", "container": ""}

optional := {"image"}

completed(findings) := {object.union(defaults, finding) |
	some finding in findings
	whole(finding)
}

malformed(findings) if {
	some finding in findings
	not whole(finding)
}

platforms := ({""} | pod.landing) | {linkage.platform | some linkage in input.linkages}

whole(finding) if {
	is_object(finding)
	filled := object.union(defaults, finding)
	count((object.keys(filled) - object.keys(defaults)) - (optional | {"message"})) == 0
	every field in ["container", "message", "remedy", "reason"] {
		is_string(object.get(filled, field, null))
	}
	is_string(object.get(filled, "image", ""))
	is_number(filled.position)
	filled.effect in {"fails", "violates", "unknown", "note"}
	filled.platform in platforms
	filled.container in (pod.containers | {""})
}
