# METADATA
# title: The image is the latest, whatever that is
# description: >-
#   The tag is `latest`, or there is none, which means the same. Which build that is depends on when a node pulled it.
#   Off unless it is set.
# custom:
#   code: latest_tag
#   remedy: name the image with the tag of a release, or with its digest
#   looks_at: [image_names, namespaces]
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
