# METADATA
# title: Findings of rules that elfgate did not write
# description: >-
#   Such a rule's findings need a container, a platform and a message; what else a finding has is filled in. One that has
#   not even those, or of another type, would be passed over in silence: it is told of as the rule's failure instead.
# custom:
#   looks_at: []
#   says: [image_names]
package elfgate.lib.own

defaults := {"position": 3000, "effect": "violates", "reason": "", "remedy": ""}

completed(findings) := {object.union(defaults, finding) | some finding in findings; whole(finding)}

malformed(findings) if {
	some finding in findings
	not whole(finding)
}

whole(finding) if {
	is_object(finding)
	filled := object.union(defaults, finding)
	every field in ["container", "platform", "message", "remedy", "reason"] {
		is_string(object.get(filled, field, null))
	}
	is_string(object.get(filled, "image", ""))
	is_number(filled.position)
	filled.effect in {"fails", "violates", "unknown", "note"}
}
