# METADATA
# title: The image's labels do not say what it holds
# description: >-
#   The index or the config names another platform than the one that the files are built for. What the files say
#   counts, and they start; this is noted for whoever builds the image.
# custom:
#   code: platform_label_wrong
#   remedy: build with the right --platform, so that index, config and files agree
#   asks: prediction
#   looks_at: []
package elfgate.rules.platform_label_wrong

import data.elfgate.lib.found

findings := found.by_code.platform_label_wrong
