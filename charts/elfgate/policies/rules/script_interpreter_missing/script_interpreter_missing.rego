# METADATA
# title: The script's interpreter is not in the image
# description: >-
#   The program that a script's #! line names is not there (a carriage return at the line's end counts as part of the
#   name).
# custom:
#   code: script_interpreter_missing
#   remedy: add the interpreter to the image, or name one that it has
#   asks: prediction
#   looks_at: []
package elfgate.rules.script_interpreter_missing

import data.elfgate.lib.found

findings := found.by_code.script_interpreter_missing
