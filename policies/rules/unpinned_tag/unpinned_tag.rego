# METADATA
# title: The image is named without its digest
# description: >-
#   A tag can move: a node may start another image tomorrow than elfgate judged today, and two nodes may run two different
#   images. The rule is off unless you set it.
# custom:
#   code: unpinned_tag
#   remedy: name the image with its digest (NAME:TAG@sha256:…)
#   looks_at: [image_names, namespace_labels, namespaces]
package elfgate.rules.unpinned_tag

import data.elfgate.lib.config
import data.elfgate.lib.places

findings contains finding if {
	config.mode("unpinned_tag") != "off"
	some name, container in places.first
	object.get(container, "digest", "") == ""
	finding := {
		"container": name,
		"platform": "",
		"position": 2000,
		"effect": "violates",
		"reason": "",
		"message": concat("", [container.image, " has no digest"]),
		"remedy": "name it with its digest",
	}
}
