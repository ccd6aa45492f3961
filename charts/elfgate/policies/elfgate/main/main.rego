# METADATA
# title: The decision
# description: >-
#   Denies what cannot start on any platform that it may come to land on, and warns of what cannot start on some. Where
#   every platform counts (a DaemonSet, or `require: all`), it denies what no node that is there could start, and an
#   update that takes a platform away which started it before. Total and versioned: version 0 is no decision, and no
#   reader takes it for one.
# custom:
#   looks_at: [namespaces]
#   says: [image_names]
package elfgate.main

import data.elfgate.lib.config
import data.elfgate.lib.exemptions
import data.elfgate.lib.placement
import data.elfgate.lib.places
import data.elfgate.lib.pod
import data.elfgate.lib.support
import data.elfgate.lib.words

default verdict := {"version": 0}

verdict := {
	"version": 1,
	"revision": data.elfgate.revision,
	"allowed": count(said.denials) == 0,
	"denials": said.denials,
	"warnings": warnings,
	"dryrun": said.dryrun,
	"would_deny": would_deny,
	"unknown": unknown,
	"steer": said.steer,
	"failed": malformed,
	"spared": said.spared,
} if {
	# Without settings every mode would be undefined, without a rule's findings all would be: nothing would be denied.
	config.effective
	found
}

# What every rule found, those of the cluster's owner among them.
found := object.union(shipped, own)

# Most documents have nothing found in them: there is nothing to grade, to group or to say then.
said := {"denials": denials, "warnings": violations("warn"), "dryrun": violations("dryrun"), "steer": steer, "spared": sort(spared_by)} if anything

said := {"denials": [], "warnings": [], "dryrun": [], "steer": [], "spared": []} if not anything

anything if {
	some _, findings in found
	count(findings) > 0
}

# What would be denied if all that warns, or runs dry, denied. Few documents need be judged a second time for it.
would_deny := unheld if {
	held
	count(said.denials) == 0
	unheld := data.elfgate.main.denials with data.elfgate.unheld as true
} else := []

# A warning of what would be denied says so, where nothing but the most that may be done is in the way.
warnings := [foretold(warning) | some warning in said.warnings] if {
	config.most == "warn"
	count(would_deny) > 0
} else := said.warnings

foretold(warning) := object.union(warning, {"lines": array.concat(warning.lines, [later])}) if {
	some denial in would_deny
	denial.code == warning.code
	denial.container == warning.container
} else := warning

later := words.unlabelled if {
	config.unlabelled
} else := words.later

held if {
	some [code, effect, reason], level in levels
	level in {"warn", "dryrun"}
	config.full(config.mode(code), code, effect, reason) == "deny"
}

held if {
	reprieved
	count(sparing & placement.dry) > 0
}

default unknown := false

unknown if {
	some linkage in input.linkages
	linkage.verdict == "unknown"
	linkage.platform in pod.landing
}

unknown if count(pod.unpredicted) > 0

# What a rule's findings lead to, worked out once for all that are alike.
levels := {[code, effect, reason]: level |
	some code, findings in found
	mode := config.mode(code)
	some [effect, reason] in {[finding.effect, finding.reason] | some finding in findings}
	level := config.level(mode, code, effect, reason)
}

# What was found of one container on one platform, by what its rules' modes make of it. A part begins with its place, as
# that is the order in which it is told.
graded := cells # whole: OPA would grade anew wherever it is read

cells[cell] contains part if {
	not exempting
	some [code, effect, reason], level in levels
	level != "off"
	some finding in found[code]
	finding.effect == effect
	finding.reason == reason
	cell := [level, finding.platform, finding.container, effect, object.get(finding, "image", "")]
	object.get(finding, "differs", "") == ""
	part := [finding.position, code, finding.message, finding.remedy]
}

cells[cell] contains part if {
	count(differing) > 0
	not exempting
	some [code, effect, reason], level in levels
	level != "off"
	some finding in found[code]
	object.get(finding, "differs", "") != ""
	finding.effect == effect
	finding.reason == reason
	cell := [level, finding.platform, finding.container, effect, object.get(finding, "image", "")]
	part := part_of(finding, code, "")
}

cells[cell] contains part if {
	exempting
	some [code, effect, reason], set in levels
	some finding in found[code]
	finding.effect == effect
	finding.reason == reason
	level := exemptions.level(set, code, finding.container)
	level != "off"
	cell := [level, finding.platform, finding.container, effect, object.get(finding, "image", "")]
	part := part_of(finding, code, exemptions.addition(set, code, finding.container))
}

# What differs from platform to platform is left open, so that the same finding is told of once.
part_of(finding, code, addition) := [
	finding.position,
	code,
	concat("", [words.stem(finding.message, word), addition]),
	words.stem(finding.remedy, word),
] if {
	word := object.get(finding, "differs", "")
}

# The words for what is left open, each with where it stands for it.
differing := {[code, finding.container, finding.platform, finding.differs] |
	some code, findings in found
	some finding in findings
	object.get(finding, "differs", "") != ""
}

# The exemptions without which more would be said.
spared_by contains number if {
	exempting
	some [code, effect, reason], set in levels
	some finding in found[code]
	finding.effect == effect
	finding.reason == reason
	finding.platform in (pod.landing | {""}) # nothing is said of any other
	exemptions.level(set, code, finding.container) != set
	some number, exemption in config.effective.exemptions
	exemption in exemptions.applicable[finding.container]
	exemptions.covers(exemption, code)
}

# Whether any exemption is for this document; where there is none, findings need not be looked at one by one.
exempting if {
	count(config.effective.exemptions) > 0
	exemptions.granting
}

exempting if {
	count(object.get(input.request, "exemptions", [])) > 0
	exemptions.granting
}

# The platforms on which a container is held to fail.
bad := {platform | some ["deny", platform, _, _, _], _ in graded}

failing := pod.landing & bad

# Whether every platform must be able to start the pod, not just one.
strict if {
	input.request.every_node
	object.get(config.effective, "daemonsets", "all") == "all"
}

strict if config.effective.require == "all"

# A rule denies it wherever it would land, so that where that is makes no difference.
banned if {
	some ["deny", "", _, _, _], _ in graded
}

# Nothing is left: not the platforms that it lands on, nor those that it may come to land on.
refused if {
	nowhere
	count(placement.hoped - bad) == 0
	worse
}

# No node that is there could start it, wherever else nodes may come.
refused if {
	strict
	nowhere
	count(pod.present & failing) > 0
	count(pod.present - failing) == 0
	count(placement.open - bad) == 0
	worse
}

# It started there before this update, on nodes that are there, and nothing may have kept it from them.
refused if {
	strict
	count(placement.openings) == 0
	count((pod.certain & failing) & placement.started) > 0
}

# Nothing can start it as it stands.
nowhere if {
	pinned
	placement.final
}

pinned if {
	count(failing) > 0
	count(pod.certain - failing) == 0
}

# An update that leaves the images alone makes nothing worse where the object could start nowhere before it either.
worse if count(placement.unaltered) == 0

# Why what nothing can start as it stands is admitted.
reprieve := array.slice(placement.reasons(bad), 0, 1) if reprieved

reprieve := [] if not reprieved

reprieved if {
	pinned
	not refused
	not banned
}

# Whether all that spares it is to be passed over in silence.
quiet if {
	count(sparing - placement.silent) == 0
	count(sparing) > 0
	reprieved
}

sparing := placement.causes(bad)

# What would deny only warns as long as some platform is left.
outcomes := {"deny": "deny", "warn": "warn", "dryrun": "dryrun"} if {
	refused
} else := {"deny": "dryrun", "warn": "warn", "dryrun": "dryrun"} if {
	quiet
} else := {"deny": "warn", "warn": "warn", "dryrun": "dryrun"}

# Platforms on which one container has the same findings and the same way out are told of together.
groups := alike

alike[group] contains platform if {
	some [level, platform, container, effect, image], parts in graded
	platform in pod.landing
	group := [outcomes[level], container, effect, image, parts]
}

# Findings for wherever it lands: nothing about a place can spare it from what they lead to.
alike[group] contains platform if {
	some [level, "", container, effect, image], parts in graded
	some platform in (pod.landing | {""})
	group := [level, container, effect, image, parts]
}

# Most documents have violations of one kind: the others need not look for theirs in all groups.
kinds := {kind | some [kind, _, _, _, _], _ in groups}

violations(kind) := ordered(kind) if kind in kinds

violations(kind) := [] if not kind in kinds

ordered(kind) := [entry[1] | some entry in sort([[place, violation] |
	some [told, container, effect, image, set], platforms in groups
	told == kind
	parts := sort(set)
	places_told := sort(named(platforms))
	said_how := manner(effect, kind, container, platforms)
	violation := {
		"code": parts[0][1],
		"container": container,
		"platforms": sort(platforms - {""}),
		"headline": words.headline(said_how, container, places_told),
		"lines": array.concat(lines(parts, container, platforms), object.get(spared, [effect, kind], [])),
		"remedy": remedy([effect, kind], container, parts, image, places_told),
	}
	place := [severity[effect], object.get(places.standing, container, 0), said_how, places_told]
])]

# The platforms to name: none where it makes no difference where it lands.
named(platforms) := platforms if not "" in platforms

named(platforms) := set() if "" in platforms

# What is not allowed and was let in all the same should not be there; what is not known and refused has to wait.
manner(effect, kind, _, _) := object.get(
	{["violates", "warn"]: "advises", ["unknown", "deny"]: "waits"},
	[[effect, kind]],
	effect,
) if {
	effect != "note"
}

manner("note", _, container, platforms) := "starts" if {
	count(platforms - {""}) > 0
	count({platform | some platform in platforms; not places.starting[platform][container]}) == 0
} else := "note"

spared := {"fails": {"warn": reprieve}}

severity := {"fails": 0, "violates": 1, "unknown": 2, "note": 3}

# The first few findings: a program that lacks forty libraries is told of once.
lines(parts, container, platforms) := array.concat(
	[concat("", [filled(part[2], part[1], container, platforms), "  [", part[1], "]"]) |
		some part in array.slice(parts, 0, 6)
	],
	[concat("", ["and ", format_int(count(parts) - 6, 10), " more like it"]) | count(parts) > 6],
)

# A sentence, with the words of some platforms for what is left open in it.
filled(text, code, container, platforms) := words.filled(text, open(code, container, platforms)) if {
	count(differing) > 0
} else := text

open(code, container, platforms) := {entry[3] |
	some entry in differing
	array.slice(entry, 0, 2) == [code, container]
	entry[2] in platforms
}

# The way out: other images or platforms only where they are known to start, else what the finding itself says.
remedy(manner, container, parts, image, platforms) := concat(", or ", ways) if {
	not manner in waiting
	ways := array.concat(stead(manner[0], container, parts, image, platforms), away(manner[0], platforms))
	count(ways) > 0
} else := concat(" and ", array.concat(advised(parts, container, platforms), ["apply it again when that is known"])) if {
	manner in waiting
} else := ""

waiting := {["unknown", "deny"]}

away(effect, platforms) := elsewhere if {
	effect in {"fails", "violates"}
	count(platforms) > 0
} else := []

# What to run in its stead: an image that starts there, else what the finding says, or a variant that a support matrix
# has for it.
stead(effect, container, parts, image, platforms) := [words.image(image, platforms, doubtful(container, image, platforms))] if {
	effect == "fails"
	image != ""
	mends(platforms)
} else := [support.advice(container, platforms)] if {
	effect == "fails"
	image == ""
	count(config.effective.support) > 0
	count(platforms) > 0
	support.advice(container, platforms) != ""
} else := advised(parts, container, platforms)

# Where else it fails, and an image is not known to start. Where all are mended for one platform, the others are nobody's
# business.
doubtful(container, image, platforms) := sort({linkage.platform |
	some linkage in input.linkages
	not apart
	linkage.container == container
	linkage.platform in failing
	not linkage.platform in platforms
	linkage.verdict != "starts"
	not image in object.get(linkage, "alternatives", [])
})

# Whether other images there can be part of a way out. Where a pod of several containers is refused, they are all to be
# mended for one and the same platform: else each would start, but the pod nowhere.
mends(platforms) if {
	not apart
	count(platforms) > 0
}

mends(platforms) if {
	apart
	goal in platforms
}

apart if {
	refused
	count(pod.containers) > 1
}

# The first platform on which every container starts, or has an image that does.
goal := min(mendable)

mendable := {platform |
	some platform in failing
	count({name | some name in pod.containers; not [platform, name] in startable}) == 0
}

startable := {[platform, name] | some platform, names in places.starting; some name in names} | replaced

# The containers that have another image, each with a platform on which it starts.
replaced := {[platform, name] | some ["deny", platform, name, "fails", image], _ in graded; image != ""}

# What the first finding that has one says.
advised(parts, container, platforms) := array.slice(
	[filled(part[3], part[1], container, platforms) |
		some part in parts
		part[3] != ""
	],
	0, 1,
)

# Architectures on whose every platform every container is known to start, and those to keep off.
safe := sort([architecture |
	some architecture, platforms in places.by_architecture
	architecture != ""
	count(platforms - places.complete) == 0
	count(platforms & refusing) == 0
])

# Platforms on which a rule denies, or warns of what is not allowed there: none to send anyone to.
refusing := bad | {platform | some [_, platform, _, "violates", _], _ in graded}

unsafe := {places.architecture(platform) | some platform in failing} - {""}

# Where only other systems fail, the system is what to ask for.
elsewhere := [words.system] if {
	count(failing) > 0
	count(pod.linux) > 0
	count(failing & pod.linux) == 0
} else := [words.requirement("in", safe)] if {
	count(safe) > 0
} else := [words.requirement("notin", sort(unsafe))] if {
	not refused
	count(unsafe) > 0
	count({places.architecture(platform) | some platform in pod.landing} - unsafe) > 0
} else := []

# Each container has a platform, but the pod has none: said first, as no single finding tells it.
denials := [object.union(denial, {"help": help(denial.code)}) |
	some denial in array.concat(disjoint, violations("deny"))
]

# The owner's own line beside a refusal: a rule's, else the one of all.
help(code) := object.get(
	object.get(config.effective, "rule_help", {}),
	code,
	object.get(config.effective, "help", ""),
)

disjoint := [violation |
	refused
	count(failing) == count(pod.landing)
	count(pod.containers) > 1
	count(failing & places.complete) == 0 # else it is a rule that refuses, and not the images
	count(pod.containers - union({names | some platform in failing; names := places.starting[platform]})) == 0
	violation := {
		"code": "no_common_platform",
		"container": "",
		"platforms": sort(failing),
		"headline": "no platform is left that starts every container of this pod",
		"lines": [line |
			some position, container in input.containers
			places.standing[container.name] == position
			line := concat(" starts only on ", [
				words.container(container.name),
				words.series([places.display(platform) | some platform in sort(failing); places.starting[platform][container.name]]),
			])
		],
		"remedy": "use images that share an architecture",
	}
]
