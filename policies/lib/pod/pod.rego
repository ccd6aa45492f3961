# METADATA
# title: The pod, and where it may land
# description: >-
#   What every document is asked, whatever was found: its containers, the platforms that it may land on, and what was
#   predicted for them. Apart from what only words need (lib/places), as regorus evaluates the whole of a package that is
#   referred to. Sets throughout: a document that names a thing twice is judged, not refused.
package elfgate.lib.pod

containers := {container.name | some container in input.containers}

# The platforms that the pod may land on.
landing := {target.platform | some target in input.targets}

# The containers that there is none for where the pod may land: a document without an answer is no answer.
unpredicted contains [platform, name] if {
	some platform in landing
	some name in (containers - object.get(predicted, platform, set()))
}

# The containers that there is a prediction for on a platform.
predicted := told # whole: OPA would group anew for each platform that is looked up

# regorus takes a partial map without entries for undefined: this one always has one, of no platform that there is.
told[""] contains ""

told[linkage.platform] contains linkage.container if some linkage in input.linkages
