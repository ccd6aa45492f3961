# METADATA
# title: The image's metadata names another platform than its files
# description: >-
#   The index or the config names another platform than the one that the files are built for. The files decide, and the
#   program starts; the warning is for whoever builds the image.
# custom:
#   code: platform_label_wrong
#   remedy: build with the right --platform, so that index, config and files agree
#   asks: prediction
#   looks_at: []
package elfgate.rules.platform_label_wrong

import data.elfgate.lib.found

findings := found.by_code.platform_label_wrong
