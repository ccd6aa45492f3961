# METADATA
# title: The kernel does not take the file
# description: >-
#   The program is built for another machine, its ELF headers are malformed, or it is a script without a #! line:
#   execve answers ENOEXEC.
# custom:
#   code: exec_format
#   remedy: "build the program for this architecture, or begin the script with a #! line"
#   asks: prediction
#   looks_at: []
package elfgate.rules.exec_format

import data.elfgate.lib.found

findings := found.by_code.exec_format
