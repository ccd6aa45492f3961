# METADATA
# title: A native add-on is built for another machine
# description: >-
#   A package of Node.js or Python in the image has native add-ons (.node, extension modules), and none for this
#   architecture. The program starts, and fails if it loads one of them. This is a note; `notes` makes it warn.
# custom:
#   code: addon_mismatch
#   remedy: install the package for this architecture in the image's build
#   asks: prediction
#   looks_at: []
package elfgate.rules.addon_mismatch

import data.elfgate.lib.found

findings := found.by_code.addon_mismatch
