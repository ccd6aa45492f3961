# METADATA
# title: Images of prod are named by their digest
# description: A tag may be moved after it was tried; in prod nothing runs but what was tried.
# custom:
#   remedy: name the image with its digest
#   looks_at: [image_names, container_names, namespaces]
package elfgate.rules.pinned_in_prod

findings contains finding if {
	input.request.namespace == "prod"
	some container in input.containers
	container.digest == ""
	finding := {
		"container": container.name,
		"message": concat("", [container.image, " has no digest"]),
		"remedy": "add the digest to its name (NAME:TAG@sha256:…)",
	}
}
