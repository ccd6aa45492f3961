# METADATA
# title: It cannot be told whether the program starts
# description: >-
#   Something that decides is not known: the image is still being read or cannot be read, a path that decides lies
#   under a volume, or the start-up has a form that is not understood. What it leads to is set for each reason
#   (`unknown`); this rule's mode is the most it may do.
# custom:
#   code: linkage_unknown
#   remedy: the message names what is missing
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
