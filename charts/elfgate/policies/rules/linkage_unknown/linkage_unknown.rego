# METADATA
# title: The start is unknown
# description: >-
#   elfgate does not know something that decides the start: the image is not read yet or cannot be read, a volume hides a
#   path that decides, or elfgate does not understand the form of the start-up. The settings say for each reason what it
#   leads to (`unknown`); this rule's mode is the most that a reason may do.
# custom:
#   code: linkage_unknown
#   remedy: provide what the message names
#   mode: as its reason says
#   looks_at: []
package elfgate.rules.linkage_unknown

import data.elfgate.lib.found
import data.elfgate.lib.pod

findings contains finding if some finding in found.by_code.linkage_unknown

findings contains finding if {
	some [platform, name] in pod.unpredicted
	finding := {
		"container": name,
		"platform": platform,
		"position": 0,
		"effect": "unknown",
		"reason": "not_scanned",
		"message": "the image has not been read for this platform yet",
		"remedy": "",
	}
}
