# METADATA
# title: A symbol is defined nowhere
# description: >-
#   The program needs a function or variable that none of its libraries defines. A glibc program on musl with gcompat is
#   the usual case.
# custom:
#   code: symbol_missing
#   remedy: build the program against the libraries of the image that it runs in
#   asks: prediction
#   looks_at: []
package elfgate.rules.symbol_missing

import data.elfgate.lib.found

findings := found.by_code.symbol_missing
