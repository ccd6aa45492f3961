# METADATA
# title: A library is older than the program needs
# description: >-
#   The program needs a symbol version, such as GLIBC_2.38, that the library in the image does not define.
# custom:
#   code: symbol_version_missing
#   remedy: build on a base image as old as the one that it is to run on, or move to a newer base image
#   asks: prediction
#   looks_at: []
package elfgate.rules.symbol_version_missing

import data.elfgate.lib.found

findings := found.by_code.symbol_version_missing
