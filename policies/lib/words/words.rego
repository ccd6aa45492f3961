# METADATA
# title: How things are said
# description: Lists, names and headlines, each in one form everywhere.
# custom:
#   looks_at: []
#   says: [image_names]
package elfgate.lib.words

import data.elfgate.lib.places

# "a", "a and b", "a, b and c".
series(items) := concat(", ", items) if count(items) < 2

series(items) := concat(" and ", [
	concat(", ", array.slice(items, 0, count(items) - 1)),
	items[count(items) - 1],
]) if count(items) > 1

# A container with its image, and its role where it is not a main container.
container(name) := object.get(labelled, name, name)

labelled := {name: label |
	some name, entry in places.first
	label := concat("", [roles[entry.role], name, " (", entry.image, ")"])
}

roles := {"main": "", "init": "init container ", "sidecar": "sidecar ", "ephemeral": "ephemeral container "}

# Platforms, each with the nodes behind it.
located(platforms) := series([located_at[platform] | some platform in platforms])

# "ppc64le (a, b, c and 4 more)", and without the brackets where no node has a name.
located_at := {platform: label |
	some platform, targets in places.targets
	label := concat("", [places.display(platform), behind(targets)])
}

behind(targets) := concat("", [" (", concat(", ", shown), more(total - count(shown)), ")"]) if {
	names := {name | some target in targets; some name in target.names}
	shown := array.slice(sort(names), 0, 3)
	count(shown) > 0
	total := max([sum([target.nodes | some target in targets]), count(names)])
} else := ""

more(number) := concat("", [" and ", format_int(number, 10), " more"]) if number > 0

more(number) := "" if number <= 0

# A sentence of three parts: what is said before a container's name, after it, and after the places.
headline(manner, name, platforms) := concat("", [said[0], subject(name), said[1], at(platforms), said[2]]) if said := manners[manner]

at(platforms) := concat("", [" on ", located(platforms)]) if count(platforms) > 0

at(platforms) := "" if count(platforms) == 0

# A finding of no container is one about the pod as a whole.
subject(name) := "this pod" if {
	name == ""
	not labelled[""]
} else := container(name)

manners := {
	"fails": ["", " cannot start", ""],
	"violates": ["", " is not allowed", ""],
	"advises": ["", " should not run", ""],
	"unknown": ["it is not known whether ", " starts", ""],
	"waits": ["", " is refused while it is not known whether it starts", ""],
	"starts": ["", " starts", ", with a note"],
	"note": ["note on ", "", ""],
}

# "use this image, which starts on ppc64le and s390x but is not known to on amd64".
image(alternative, platforms, others) := concat("", [
	"use ",
	alternative,
	", which starts on ",
	displayed(platforms),
	doubted(others),
])

doubted(platforms) := concat("", [" but is not known to on ", displayed(platforms)]) if count(platforms) > 0

doubted(platforms) := "" if count(platforms) == 0

displayed(platforms) := series([places.display(platform) | some platform in platforms])

# "use a base that has GLIBC_2.38 (Debian 13, Ubuntu 24.04, UBI 10), or build on Debian 12".
bases(versions, names, own) := concat("", [
	"use a base that has ",
	series(versions),
	" (",
	concat(", ", array.slice(names, 0, 3)),
	")",
	built(own),
])

built("") := ""

built(own) := concat("", [", or build on ", own]) if own != ""

# A place to ask for: a selector in the form that a pod has it, else an affinity's expression.
requirement(operator, architectures) := concat("", ["set nodeSelector {kubernetes.io/arch: ", architectures[0], "}"]) if {
	operator == "in"
	count(architectures) == 1
} else := concat("", [
	"add a node affinity: kubernetes.io/arch ",
	operator,
	" (",
	concat(", ", architectures),
	")",
])

# What is said of a refusal that is held back.
later := "for now this only warns: later it is refused"

# The same, where that is for want of knowledge.
unlabelled := "for now this only warns: settings go by the namespace's labels, which are not known"

# A node selector on the system, for what fails on others only.
system := "set nodeSelector {kubernetes.io/os: linux}"

# Stands in a text for the word that differs from platform to platform.
blank := "\ue003"

stem(text, "") := text

stem(text, word) := replace(text, word, blank) if word != ""

# A text with the words of all its platforms: "one, another or a third".
filled(text, differing) := replace(text, blank, choice(sort(differing))) if contains(text, blank)

filled(text, _) := text if not contains(text, blank)

choice(items) := replace(series(items), " and ", " or ")
