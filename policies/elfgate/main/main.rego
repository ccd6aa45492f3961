# METADATA
# title: The decision
# description: >-
#   Denies what cannot start on any platform it may land on, and warns of what cannot start on some; where every
#   platform counts (a DaemonSet, or `require: all`), some is enough to deny. Total and versioned: version 0 is no
#   decision, and no reader takes it for one.
package elfgate.main

import data.elfgate.lib.config
import data.elfgate.lib.places
import data.elfgate.lib.words

default verdict := {"version": 0}

verdict := {
	"version": 1,
	"revision": data.elfgate.revision,
	"allowed": count(denials) == 0,
	"denials": denials,
	"warnings": violations("warn"),
	"dryrun": violations("dryrun"),
	"unknown": unknown,
} if {
	config.effective # without settings every mode would be undefined, and nothing denied
}

default unknown := false

unknown if {
	some linkage in input.linkages
	linkage.verdict == "unknown"
	places.targets[linkage.platform]
}

unknown if count(places.unpredicted) > 0

# What was found of one container on one platform, by what its rules' modes make of it.
graded[cell] contains part if {
	some code, findings in found
	some finding in findings
	level := config.level(code, finding.effect, finding.reason)
	level != "off"
	cell := [level, finding.effect, finding.container, finding.platform]
	part := [finding.position, code, finding.message, finding.remedy]
}

# The platforms on which a container is held to fail.
bad contains cell[3] if {
	some cell, _ in graded
	cell[0] == "deny"
}

failing contains platform if {
	some platform, _ in places.targets
	bad[platform]
}

refused if {
	config.strict
	count(failing) > 0
}

refused if {
	count(failing) > 0
	count(failing) == count(places.targets)
}

# What would deny only warns as long as some platform is left.
outcome("deny") := "deny" if refused

outcome("deny") := "warn" if not refused

outcome("warn") := "warn"

outcome("dryrun") := "dryrun"

alternatives[place] := others if {
	some linkage in input.linkages
	others := linkage.alternatives
	count(others) > 0
	place := [linkage.container, linkage.platform]
}

# Platforms on which one container has the same findings and the same way out are told of together.
groups[group] contains platform if {
	some cell, parts in graded
	platform := cell[3]
	places.targets[platform]
	others := object.get(alternatives, [[cell[2], platform]], [])
	group := [outcome(cell[0]), cell[1], cell[2], sort(parts), others]
}

violations(kind) := [entry[1] | some entry in sort([[place, violation] |
	some group, platforms in groups
	group[0] == kind
	violation := told(group, sort(platforms))
	place := [severity[group[1]], min(object.get(places.positions, group[2], {1000})), violation.headline]
])]

severity := {"fails": 0, "violates": 1, "unknown": 2, "note": 3}

told(group, platforms) := {
	"code": group[3][0][1],
	"container": group[2],
	"platforms": platforms,
	"headline": words.headline(group[1], group[2], platforms),
	"lines": lines(group[3]),
	"remedy": remedy(group, platforms),
}

# The first few findings: a program that lacks forty libraries is told of once.
lines(parts) := array.concat(
	[concat("", [part[2], "  [", part[1], "]"]) | some part in array.slice(parts, 0, 6)],
	[concat("", ["and ", format_int(count(parts) - 6, 10), " more like it"]) | count(parts) > 6],
)

# The way out: other images or platforms only where they are known to start, else what the finding itself says.
remedy(group, platforms) := concat(", or ", ways) if {
	ways := checked(group[1], group[4], platforms)
	count(ways) > 0
} else := concat("", array.slice([part[3] | some part in group[3]; part[3] != ""], 0, 1))

checked("fails", others, platforms) := array.concat(
	[words.image(other, platforms) | some other in array.slice(others, 0, 1)],
	elsewhere,
)

checked("violates", _, _) := elsewhere

# Architectures on whose every platform every container is known to start, and those to keep off.
safe := sort([architecture |
	some architecture, platforms in places.by_architecture
	count(platforms - places.complete) == 0
	count(platforms & bad) == 0
])

unsafe := sort({places.architecture(platform) | some platform in failing})

elsewhere := [words.requirement("in", safe)] if {
	count(safe) > 0
} else := [words.requirement("notin", unsafe)] if {
	not refused
	count(unsafe) > 0
	some platform, _ in places.targets
	not places.architecture(platform) in unsafe
} else := []

# Each container has a platform, but the pod has none: said first, as no single finding tells it.
denials := array.concat(disjoint, violations("deny"))

disjoint := [violation |
	refused
	count(failing) == count(places.targets)
	count(places.containers) > 1
	count(places.containers - union({names | some platform in failing; names := places.starting[platform]})) == 0
	violation := {
		"code": "no_common_platform",
		"container": "",
		"platforms": sort(failing),
		"headline": "no platform is left that starts every container of this pod",
		"lines": [line |
			some position, container in input.containers
			min(places.positions[container.name]) == position
			line := concat(" starts only on ", [
				words.container(container.name),
				words.series([places.display(platform) | some platform in sort(failing); places.starting[platform][container.name]]),
			])
		],
		"remedy": "use images that share an architecture",
	}
]
