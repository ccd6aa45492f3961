# METADATA
# title: What the cluster's owner has decided
# description: >-
#   The settings in data.elfgate.config, with what holds at this enforcement point and in this namespace laid over what
#   holds everywhere. Labels of the namespace come first, the most of them last; then patterns of its name, the longest
#   last; then its own name, which has the very last word.
# custom:
#   looks_at: [namespace_labels, namespaces]
package elfgate.lib.config

import data.elfgate.lib.patterns

effective := object.union_n(array.concat(
	array.concat([data.elfgate.config], at_points),
	array.concat(array.concat(by_label, by_pattern), [object.get(data.elfgate.config.namespaces, input.request.namespace, {})]),
))

at_points := [layer |
	some point in points
	layer := object.get(data.elfgate.config.points, point, {})
]

# Where it is asked for. A command line asks as the webhook would, and has settings of its own beside.
points := [input.request.point, "check"] if {
	input.request.checked
} else := [input.request.point]

by_label := [data.elfgate.config.namespaces[entry[1]] | some entry in sort([[count(split(selector, ",")), selector] |
	some selector in selectors
	selects(selector)
])]

# The keys that are labels, such as "stage=prod,tier=web".
selectors := {key | some key, _ in data.elfgate.config.namespaces; contains(key, "=")}

selects(selector) if {
	every requirement in split(selector, ",") {
		parts := split(requirement, "=")
		patterns.matches(parts[1], input.request.namespace_labels[parts[0]])
	}
}

# Settings go by labels that are not known now.
default unlabelled := false

unlabelled if {
	count(selectors) > 0
	not input.request.namespace_labels
}

by_pattern := [data.elfgate.config.namespaces[entry[1]] | some entry in sort([[count(pattern), pattern] |
	some pattern, _ in data.elfgate.config.namespaces
	contains(pattern, "*")
	patterns.matches(pattern, input.request.namespace)
])]

# What a rule's findings lead to: deny, warn, dryrun or off. A rule that the settings do not list is in force: whoever adds
# a rule of their own wants it.
mode(code) := object.get(effective.rules, code, "deny")

# The same for one finding: what the settings mean, and no more than they let anything do.
level(rule_mode, code, effect, reason) := weaker(most, meant(rule_mode, code, effect, reason, {"deny"})) if not unheld

level(rule_mode, code, effect, reason) := full(rule_mode, code, effect, reason) if unheld

# Where labels are not known by which settings go, they may say that nothing is to be refused.
most := weaker("warn", bound) if {
	unlabelled
} else := bound

bound := object.get(effective, "most", "deny")

# Whether the decision is asked what it would be if nothing were held back. It asks so itself, to say so beside a verdict.
default unheld := false

unheld if data.elfgate.unheld

# What a finding leads to if nothing is held back: what only warns or runs dry denies. An unknown that warns is no denial
# held back, and goes on warning.
full(rule_mode, code, effect, reason) := meant(
	object.get({"warn": "deny", "dryrun": "deny"}, rule_mode, rule_mode),
	code,
	effect,
	reason,
	{"deny", "dryrun"},
)

# What unknowns have to be set to for a denial.
denying := {"deny", "dryrun"} if {
	unheld
} else := {"deny"}

# By what a finding is. An unknown does what its reason says, and a note (it starts all the same) never denies; the rule's
# own mode is the most that either may do.
meant(rule_mode, _, "fails", _, _) := rule_mode

meant(rule_mode, code, "violates", _, _) := spared(rule_mode, asked_for("rules", code, {"deny"}))

meant(rule_mode, _, "unknown", reason, deny) := spared(
	weaker(rule_mode, mode_of(object.get(effective.unknown, reason, "warn"), deny)),
	asked_for("unknown", reason, deny),
)

meant(rule_mode, code, "note", _, _) := weaker(rule_mode, weaker("warn", object.get(effective.notes, code, "dryrun")))

# A pod that a controller makes replaces one that was admitted: refused on a drained node, it would be missing. What is not
# about starting, and what is not known, refuses it only where the settings of its enforcement point say so.
spared(level, insisted) := "warn" if {
	level == "deny"
	not insisted
	input.request.kind == "Pod"
	object.get(input.request, "controlled", false)
} else := level

asked_for(kind, key, deny) if {
	some point in points
	object.get(data.elfgate.config.points, [point, kind, key], "") in deny
} else := false

# "allow" is the word for unknowns, "off" the word for rules: the same thing.
mode_of(setting, deny) := "deny" if {
	setting in deny
} else := object.get({"allow": "off"}, setting, setting)

weaker(left, right) := left if strength[left] <= strength[right]

weaker(left, right) := right if strength[left] > strength[right]

strength := {"off": 0, "dryrun": 1, "warn": 2, "deny": 3}
