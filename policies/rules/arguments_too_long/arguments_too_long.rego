# METADATA
# title: The command line or the environment is too long
# description: >-
#   The kernel passes no string of 32 memory pages or more (128 KiB on most nodes) to a program, and no more than 6 MiB
#   in all. The start ends with "argument list too long".
# custom:
#   code: arguments_too_long
#   remedy: mount what is long as a file (a volume from a ConfigMap) and pass the file's path
#   asks: prediction
#   looks_at: []
package elfgate.rules.arguments_too_long

import data.elfgate.lib.found

findings := found.by_code.arguments_too_long
