# METADATA
# title: What may still become of a placement
# description: >-
#   Platforms that a pod may come to land on, and why. A reason for which the settings say `deny` is none: the placement
#   is judged as if it were final then.
# custom:
#   looks_at: [namespace_labels, namespaces]
package elfgate.lib.placement

import data.elfgate.lib.config
import data.elfgate.lib.places
import data.elfgate.lib.pod

# The platforms that are not certain, and that leave hope.
hoped := {target.platform | some target in hopeful}

open := {target.platform | some target in hopeful; pod.standing(target) == "open"}

hopeful := {target |
	some target in input.targets
	pod.standing(target) != "certain"
	not object.get(target, "reason", "") in hopeless
}

# The openings that leave hope.
openings := {opening | some opening in input.openings; not opening.reason in hopeless}

hopeless := {reason | some reason, setting in config.effective.unknown; setting in config.denying}

# Reasons that nobody is to be told of.
silent := {reason | some reason, setting in config.effective.unknown; setting in {"allow", "dryrun"}}

# Reasons of which only a dry run says that they would deny.
dry := {reason | some reason, setting in config.effective.unknown; setting == "dryrun"}

# Whether nothing can change it, or where it may lead then was looked at.
final if count(openings) == 0

final if {
	some target in input.targets
	pod.standing(target) == "open"
}

# Where all of the object was known to start before this update, and where some of it was known not to.
started := before - {entry.platform | some entry in input.before; entry.verdict != "starts"}

stuck := {entry.platform | some entry in input.before; entry.verdict == "cannot-start"}

before := {entry.platform | some entry in input.before}

# Why it is not refused, the best reason first: platforms that are left, openings, an update that changes nothing.
reasons(bad) := array.concat(
	[concat("", ["it is not refused, as ", places.display(target.platform), " is left: ", target.because]) |
		some target in sort(hopeful)
		pod.standing(target) == "possible"
		not target.platform in bad
	],
	array.concat(
		[concat("", ["it is not refused, as ", opening.because]) | some opening in sort(openings)],
		unaltered,
	),
)

unaltered := ["it is not refused, as this update leaves its images as they were" |
	some same in [input.request.same_images]
	same
	count(before) > 0
	count(before - stuck) == 0
]

# What spares it, as reasons.
causes(bad) := {target.reason | some target in hopeful; not target.platform in bad} | {opening.reason | some opening in openings}
