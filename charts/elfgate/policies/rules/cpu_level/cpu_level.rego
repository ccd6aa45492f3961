# METADATA
# title: The CPU is below the level that the image needs
# description: >-
#   The C library or the program demands a level of the instruction set (x86-64-v3, power9, z14) that the nodes do not
#   have. If the nodes' level is unknown, this is a note.
# custom:
#   code: cpu_level
#   remedy: use a base image with a lower CPU floor, or nodes with a newer CPU
#   asks: prediction
#   looks_at: []
package elfgate.rules.cpu_level

import data.elfgate.lib.found

findings := found.by_code.cpu_level
