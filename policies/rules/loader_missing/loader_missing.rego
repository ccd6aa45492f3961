# METADATA
# title: The dynamic loader is not in the image
# description: >-
#   The program asks for a dynamic loader (PT_INTERP) that the image does not have: a program linked to glibc in an
#   Alpine image, or any dynamically linked one in an empty image. execve answers ENOENT, which reads as if the
#   program itself were missing.
# custom:
#   code: loader_missing
#   remedy: link the program statically, or build on a base image with the libc that it was linked to
#   asks: prediction
#   looks_at: []
package elfgate.rules.loader_missing

import data.elfgate.lib.found

findings := found.by_code.loader_missing
