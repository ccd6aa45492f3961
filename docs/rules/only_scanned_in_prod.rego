# METADATA
# title: Only images that have been read run in prod
# description: Elsewhere an image that is not known yet is let in with a warning; in prod it waits until it has been read.
# custom:
#   remedy: wait until the image has been read, and apply it again
package elfgate.rules.only_scanned_in_prod

findings contains finding if {
	input.request.namespace == "prod"
	some linkage in input.linkages
	linkage.verdict == "unknown"
	some found in linkage.findings
	found.reason in {"not_scanned", "registry_unreachable", "no_credentials", "image_not_found"}
	finding := {
		"container": linkage.container,
		"platform": linkage.platform,
		"message": concat("", ["it has not been read, and this is prod: ", found.message]),
		"remedy": "apply it again once it has been read",
	}
}
