# METADATA
# title: What the cluster's owner has decided
# description: >-
#   The settings in data.elfgate.config, with what holds at this enforcement point and in this namespace laid over what
#   holds everywhere. The namespace has the last word.
package elfgate.lib.config

effective := object.union_n([
	data.elfgate.config,
	object.get(data.elfgate.config.points, input.request.point, {}),
	object.get(data.elfgate.config.namespaces, input.request.namespace, {}),
])

# Whether every platform must be able to start the pod, not just one.
strict if input.request.every_node

strict if effective.require == "all"

# What a rule's findings lead to: deny, warn, dryrun or off. A rule that the settings do not list is in force: whoever adds
# a rule of their own wants it.
mode(code) := object.get(effective.rules, code, "deny")

# The same for one finding. An unknown does what its reason says, and a note (it starts all the same) never denies; the
# rule's own mode is the most that either may do.
level(rule_mode, _, finding) := rule_mode if finding.effect in {"fails", "violates"}

level(rule_mode, _, finding) := weaker(rule_mode, object.get(unknown_modes, finding.reason, "warn")) if {
	finding.effect == "unknown"
}

level(rule_mode, code, finding) := weaker(rule_mode, weaker("warn", object.get(effective.notes, code, "dryrun"))) if {
	finding.effect == "note"
}

# "allow" is the word for unknowns, "off" the word for rules: the same thing.
unknown_modes[reason] := setting if {
	some reason, setting in effective.unknown
	setting != "allow"
}

unknown_modes[reason] := "off" if {
	some reason, setting in effective.unknown
	setting == "allow"
}

weaker(left, right) := left if strength[left] <= strength[right]

weaker(left, right) := right if strength[left] > strength[right]

strength := {"off": 0, "dryrun": 1, "warn": 2, "deny": 3}
