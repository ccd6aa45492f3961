# METADATA
# title: The container would run as root, which the pod forbids
# description: >-
#   The pod has runAsNonRoot, and the user of the container is root, or is a name of the image: the kubelet does not
#   make such a container (CreateContainerConfigError).
# custom:
#   code: run_as_root
#   remedy: "set runAsUser, or USER with a number in the image's build"
#   asks: prediction
#   looks_at: []
package elfgate.rules.run_as_root

import data.elfgate.lib.found

findings := found.by_code.run_as_root
