# METADATA
# title: The pod, and where it may land
# description: >-
#   What every document is asked, whatever was found: its containers, the platforms that it may land on, and what was
#   predicted for them. Apart from what only words need (lib/places), as regorus evaluates the whole of a package that is
#   referred to. Sets throughout: a document that names a thing twice is judged, not refused.
# custom:
#   looks_at: []
package elfgate.lib.pod

containers := {container.name | some container in input.containers}

# The platforms that the pod may land on: those that are certain, and those that are possible. What is open is not among
# them: it may come to land there only if its placement changes.
landing := {target.platform | some target in input.targets; standing(target) != "open"}

certain := {target.platform | some target in input.targets; standing(target) == "certain"}

# Those of nodes that are there, if only away for a while.
present := {target.platform | some target in input.targets; standing(target) != "open"; target.nodes > 0}

linux := {platform | some platform in landing; startswith(platform, "linux/")}

standing(target) := object.get(target, "standing", "certain")

# The containers that there is none for where the pod may land: a document without an answer is no answer.
unpredicted := {[platform, name] | some platform in landing; some name in containers} - predicted

# What there is a prediction for. Pairs, no map of sets: OPA compares each entry of such a rule with all before it.
predicted := {[linkage.platform, linkage.container] | some linkage in input.linkages}
