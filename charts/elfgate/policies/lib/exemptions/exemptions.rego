# METADATA
# title: What is let pass
# description: >-
#   Exemptions come from the settings, and from a ConfigMap of the namespace if the settings let that namespace grant
#   some: nothing that a tenant writes into a workload is looked at but its names. Up to the day that it expires an exemption's findings are kept for audits only; in the days of grace after that
#   they warn, with whose exemption it was and when it ends; then it counts no more.
# custom:
#   needs: [exemptions, exempting_namespaces]
#   looks_at: [image_names, namespace_labels, namespaces, pod_names]
package elfgate.lib.exemptions

import data.elfgate.lib.config
import data.elfgate.lib.patterns
import data.elfgate.lib.pod

# Whether any exemption is for this document.
granting if {
	some name in pod.containers
	applicable[name]
}

# What is left of what a rule set: only a denial or a warning can be exempt.
level(set, code, container) := "dryrun" if {
	set in {"deny", "warn"}
	exempt(code, container)
} else := "warn" if {
	set == "deny"
	spared(code, container) != []
} else := set

# What is said where an exemption has expired and spares for a last time.
addition("deny", code, container) := concat("", [
	"; exempt until ",
	exemption.expires,
	" (",
	exemption.owner,
	": ",
	exemption.reason,
	"), the exemption ends on ",
	exemption.ends,
]) if {
	not exempt(code, container)
	some exemption in array.slice(spared(code, container), 0, 1)
} else := ""

addition(set, _, _) := "" if set != "deny"

exempt(code, container) if {
	some exemption in applicable[container]
	covers(exemption, code)
	input.request.today <= exemption.expires
}

# The exemptions that have not ended, the one that lasts longest first.
spared(code, container) := array.reverse([entry[1] | some entry in sort([[exemption.ends, exemption] |
	some exemption in applicable[container]
	covers(exemption, code)
])])

covers(exemption, _) if count(exemption.rules) == 0

covers(exemption, code) if code in exemption.rules

# By container: the exemptions for it that have not ended.
applicable := granted

granted[name] contains exemption if {
	some exemption in holding
	some container in input.containers
	image(exemption.image, container)
	name := container.name
}

# Of the pod as a whole: those for the image of each container.
granted[name] contains exemption if {
	some exemption in holding
	every container in input.containers {
		image(exemption.image, container)
	}
	name := ""
}

holding := {exemption |
	not contains(input.request.namespace, ":") # no namespace has one but that of the known documents
	some exemption in array.concat(config.effective.exemptions, own)
	input.request.today <= exemption.ends
	patterns.matches(exemption.namespace, input.request.namespace)
	workload(exemption.workload)
}

# Those that the namespace grants.
own := object.get(input.request, "exemptions", []) if may_grant

own := [] if not may_grant

may_grant if {
	some pattern in object.get(config.effective, "exempting_namespaces", [])
	patterns.matches(pattern, input.request.namespace)
}

# An exemption for a workload is for the pods that its controllers make too: by KIND/NAME, or by NAME alone.
workload(pattern) if {
	some name in names
	patterns.matches(pattern, name)
}

names := {input.request.name, concat("/", [input.request.kind, input.request.name])} | {name |
	some owner in object.get(input.request, "owners", [])
	some name in [owner, concat("/", array.slice(split(owner, "/"), 1, 2))]
}

image(pattern, container) if patterns.image(pattern, container.repository, "")

image(pattern, container) if {
	object.get(container, "digest", "") == "" # a runtime passes over the tag that stands before a digest
	patterns.image(pattern, container.repository, concat("", [":", container.tag]))
}

image(pattern, container) if {
	object.get(container, "digest", "") != ""
	patterns.image(pattern, container.repository, concat("", ["@", container.digest]))
}
