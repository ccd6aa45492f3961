# METADATA
# title: The program may not be executed
# description: >-
#   The file is there, but it is a directory or has no execute bit for the user that the container runs as.
# custom:
#   code: command_not_executable
#   remedy: give the file its execute bit in the build (chmod +x, COPY --chmod=0755)
#   asks: prediction
#   looks_at: []
package elfgate.rules.command_not_executable

import data.elfgate.lib.found

findings := found.by_code.command_not_executable
