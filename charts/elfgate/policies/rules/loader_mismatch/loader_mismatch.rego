# METADATA
# title: The dynamic loader is of another kind
# description: >-
#   There is a file at the loader's path, but it is for another machine or class, or it is not a loader that the
#   kernel can map.
# custom:
#   code: loader_mismatch
#   remedy: take the loader from a base image of the same architecture as the program
#   asks: prediction
#   looks_at: []
package elfgate.rules.loader_mismatch

import data.elfgate.lib.found

findings := found.by_code.loader_mismatch
