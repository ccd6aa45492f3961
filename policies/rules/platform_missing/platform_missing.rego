# METADATA
# title: The image has no entry for the platform
# description: >-
#   The image's index lists no manifest that a node of this platform would pull, so the pull fails before anything
#   starts.
# custom:
#   code: platform_missing
#   remedy: build and push the image for this platform too, or keep the pod off it
#   asks: prediction
#   looks_at: []
package elfgate.rules.platform_missing

import data.elfgate.lib.found

findings := found.by_code.platform_missing
