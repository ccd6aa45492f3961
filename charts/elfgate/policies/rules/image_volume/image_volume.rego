# METADATA
# title: The image of a volume has no entry for the platform
# description: >-
#   A volume of the pod is an image whose index lists nothing that a node of this platform would pull, so that no
#   container of the pod is made.
# custom:
#   code: image_volume
#   remedy: "build and push the image for this platform too, or keep the pod off it"
#   asks: prediction
#   looks_at: []
package elfgate.rules.image_volume

import data.elfgate.lib.found

findings := found.by_code.image_volume
