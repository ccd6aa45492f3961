# METADATA
# title: A probe or a lifecycle hook cannot be executed
# description: >-
#   The container starts, but a program that is to be executed in it (an exec probe, postStart, preStop) does not: the
#   container is restarted again and again, or is never ready.
# custom:
#   code: probe_cannot_start
#   remedy: "name a program that the image has, and that is built for this architecture"
#   asks: prediction
#   looks_at: []
package elfgate.rules.probe_cannot_start

import data.elfgate.lib.found

findings := found.by_code.probe_cannot_start
