# METADATA
# title: What the prediction found
# description: >-
#   The findings of all linkages, laid out by code once, so that each rule looks up its own in constant time. Each keeps
#   its place in the prediction, as the first is what a user would see, and the image that would start in its stead.
# custom:
#   looks_at: []
#   says: [image_names]
package elfgate.lib.found

import data.elfgate.lib.words

by_code := grouped # whole: OPA would group anew for each code that is looked up

grouped[finding.code] contains entry if {
	some linkage in input.linkages
	some position, finding in linkage.findings
	entry := {
		"container": linkage.container,
		"platform": linkage.platform,
		"position": position,
		"effect": finding.effect,
		"reason": object.get(finding, "reason", ""),
		"message": finding.message,
		"image": instead(linkage),
		"remedy": advised(linkage, finding),
		"differs": object.get(finding, "differs", ""),
	}
}

# The image that would start in its stead: rather one that does so wherever another is needed.
instead(linkage) := concat("", array.slice(array.concat(shared, linkage.alternatives), 0, 1)) if {
	manifold
	shared := [image | some image in object.get(linkage, "alternatives", []); image in common[linkage.container]]
} else := object.get(linkage, ["alternatives", 0], "")

manifold if {
	some linkage in input.linkages
	count(object.get(linkage, "alternatives", [])) > 1
}

common := {name: intersection(sets) | some name, sets in offered}

offered[linkage.container] contains images if {
	some linkage in input.linkages
	images := {image | some image in object.get(linkage, "alternatives", [])}
	count(images) > 0
}

# What the prediction advises. Bases that have what is missing are named where no image starts in its stead: they differ
# from platform to platform, and one finding is to be told of once.
advised(linkage, finding) := words.bases(finding.versions, finding.bases, object.get(finding, "build_on", "")) if {
	count(object.get(finding, "bases", [])) > 0
	count(object.get(linkage, "alternatives", [])) == 0
} else := object.get(finding, "remedy", "")
