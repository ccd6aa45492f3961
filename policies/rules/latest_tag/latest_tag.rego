# METADATA
# title: The image's tag is latest
# description: >-
#   The image has the tag `latest`, or no tag, which means the same. Each node runs the build that was the latest when
#   the node pulled the image. The rule is off unless you set it.
# custom:
#   code: latest_tag
#   remedy: name the image with the tag of a release, or with its digest
#   looks_at: [image_names, namespace_labels, namespaces]
package elfgate.rules.latest_tag

import data.elfgate.lib.config
import data.elfgate.lib.places

meaning(container) := " is " if endswith(container.image, ":latest")

meaning(container) := " has no tag, which means latest: " if not endswith(container.image, ":latest")

findings contains finding if {
	config.mode("latest_tag") != "off"
	some name, container in places.first
	object.get(container, "digest", "") == ""
	object.get(container, "tag", "") in {"", "latest"}
	finding := {
		"container": name,
		"platform": "",
		"position": 2001,
		"effect": "violates",
		"reason": "",
		"message": concat("", [container.image, meaning(container), "whatever was pushed last"]),
		"remedy": "name a release, or its digest",
	}
}
