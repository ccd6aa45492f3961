# METADATA
# title: A shared library is of another kind
# description: >-
#   The library that the loader finds is for another machine, class or byte order, and no other one is found.
# custom:
#   code: library_mismatch
#   remedy: install the library for the program's architecture
#   asks: prediction
#   looks_at: []
package elfgate.rules.library_mismatch

import data.elfgate.lib.found

findings := found.by_code.library_mismatch
