package elfgate.main

import data.elfgate.lib.places
import data.elfgate.lib.pod

# The architectures that are left to a pod when those are kept off on which it is held to fail. None where nothing fails,
# and none where nothing is left: there is nowhere to steer to.
default steer := []

steer := sort(remaining) if count(failing) > 0

remaining := ({places.architecture(platform) | some platform in pod.landing} - unsafe) - {""}
