# METADATA
# title: Findings of rules that elfgate did not write
# description: >-
#   A finding needs a container of the pod and a message; a finding without a platform is for every platform that the pod
#   may land on, and the rest is filled in. A finding of any other form (a platform or container that the document does
#   not have, an unknown key, a wrong type) would be passed over in silence: it counts as the rule's failure instead.
# custom:
#   looks_at: []
#   says: [image_names]
package elfgate.lib.own

import data.elfgate.lib.pod

defaults := {"position": 3000, "effect": "violates", "reason": "", "remedy": "", "platform": ""}

optional := {"image"}

completed(findings) := {placed |
	some finding in findings
	whole(finding)
	some platform in meant(object.get(finding, "platform", ""))
	placed := object.union(defaults, object.union(finding, {"platform": platform}))
}

malformed(findings) if {
	some finding in findings
	not whole(finding)
}

meant(platform) := pod.landing if {
	platform == ""
} else := {platform}

platforms := ({""} | pod.landing) | {linkage.platform | some linkage in input.linkages}

whole(finding) if {
	is_object(finding)
	filled := object.union(defaults, finding)
	count((object.keys(filled) - object.keys(defaults)) - (optional | {"container", "message"})) == 0
	every field in ["container", "message", "remedy", "reason"] {
		is_string(object.get(filled, field, null))
	}
	is_string(object.get(filled, "image", ""))
	is_number(filled.position)
	filled.effect in {"fails", "violates", "unknown", "note"}
	filled.platform in platforms
	filled.container in pod.containers
}
