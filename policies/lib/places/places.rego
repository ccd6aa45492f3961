# METADATA
# title: Containers and the platforms they may land on
# description: >-
#   Where each container stands in its pod, which nodes are behind a platform, and where every container is known to
#   start. Sets throughout: a document that names a thing twice is judged, not refused. What is grouped is read through a
#   second rule, as a whole: OPA would group anew for each key that is looked up.
# custom:
#   looks_at: []
package elfgate.lib.places

import data.elfgate.lib.pod

# Where a container stands in its pod, and what it is.
standing := {name: min(positions) | some name, positions in stood}

stood[container.name] contains position if some position, container in input.containers

first := {name: input.containers[position] | some name, position in standing}

# The targets behind each platform that the pod may land on.
targets := landed

landed[target.platform] contains target if some target in input.targets

# The containers that the prediction says start on a platform.
starting := started

started[linkage.platform] contains linkage.container if {
	some linkage in input.linkages
	linkage.verdict == "starts"
}

# Platforms, targets or not, on which every container is known to start.
complete := {platform |
	some platform, names in starting
	count(pod.containers - names) == 0
}

# Every platform that the document speaks of, by the architecture that a node's label would say: targets, and others that
# were looked at for a way out.
all := pod.landing | {linkage.platform | some linkage in input.linkages}

by_architecture := labelled

labelled[label] contains platform if {
	some platform in all
	label := architecture(platform)
}

# Total, also for what is no platform: undefined under `not` means one thing here and another there.
architecture(platform) := concat("", array.slice(split(platform, "/"), 1, 2))

# How people write a platform: the GOARCH with its variant, and the operating system only where it is not Linux.
display(platform) := trim_prefix(platform, "linux/")
