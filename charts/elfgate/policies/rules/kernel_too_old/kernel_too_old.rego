# METADATA
# title: The kernel is older than the C library demands
# description: >-
#   The C library's ABI note asks for a newer kernel than the nodes run. If the kernel is unknown, this is
#   a note.
# custom:
#   code: kernel_too_old
#   remedy: use a base image with an older C library, or nodes with a newer kernel
#   asks: prediction
#   looks_at: []
package elfgate.rules.kernel_too_old

import data.elfgate.lib.found

findings := found.by_code.kernel_too_old
