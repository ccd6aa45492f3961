# METADATA
# title: Images of teams start on every platform
# description: >-
#   What is known to fail on a platform that the pod may land on is refused, though another would start it. As a setting:
#   namespaces: {team-*: {require: all}}, which refuses only what takes a platform away.
# custom:
#   remedy: build the image for every platform of the cluster
#   looks_at: [namespaces, container_names]
package elfgate.rules.every_platform

findings contains finding if {
	startswith(input.request.namespace, "team-")
	some linkage in input.linkages
	linkage.verdict == "cannot-start"
	linkage.platform in {target.platform | some target in input.targets}
	finding := {
		"container": linkage.container,
		"message": concat("", ["it does not start on ", trim_prefix(linkage.platform, "linux/")]),
		"remedy": "build the image for it",
	}
}
