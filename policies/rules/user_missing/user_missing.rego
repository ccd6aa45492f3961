# METADATA
# title: The user is not in the image
# description: >-
#   The image names a user or a group that its /etc/passwd or /etc/group does not have: the runtime does not make the
#   container.
# custom:
#   code: user_missing
#   remedy: "add the user in the image's build, or name it by its number"
#   asks: prediction
#   looks_at: []
package elfgate.rules.user_missing

import data.elfgate.lib.found

findings := found.by_code.user_missing
