# METADATA
# title: A shared library is not in the image
# description: >-
#   A library that the program or one of its libraries needs (DT_NEEDED) is found in none of the directories that the
#   loader searches.
# custom:
#   code: library_missing
#   remedy: install the package that has the library, or link it statically
#   asks: prediction
#   looks_at: []
package elfgate.rules.library_missing

import data.elfgate.lib.found

findings := found.by_code.library_missing
