# METADATA
# title: Pods have an owner
# description: >-
#   The label may stand on the object or on its pods. Labels differ from pod to pod, and elfgate judges anew whatever
#   differs: looks_at says that this rule needs them.
# custom:
#   remedy: add the label team
#   looks_at: [labels]
package elfgate.rules.owned

findings contains finding if {
	not input.request.labels.team
	not input.pod.labels.team
	finding := {"message": "it has no label team", "remedy": "add the label team"}
}
