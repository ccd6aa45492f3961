# METADATA
# title: The program is not in the image
# description: >-
#   The file that execve would be given is not there: neither at its path nor, for a bare name, in any directory of
#   PATH.
# custom:
#   code: command_missing
#   remedy: correct the command, or put the program into the image
#   asks: prediction
#   looks_at: []
package elfgate.rules.command_missing

import data.elfgate.lib.found

findings := found.by_code.command_missing
