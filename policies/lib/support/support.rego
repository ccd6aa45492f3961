# METADATA
# title: Support matrices
# description: >-
#   The declared tables, by container: which variants of its repository are supported on which architectures. A variant is
#   what the image's root file system says it is; UBI calls itself RHEL there.
# custom:
#   needs: support
#   looks_at: [image_names, namespace_labels, namespaces, variants]
package elfgate.lib.support

import data.elfgate.lib.config
import data.elfgate.lib.patterns
import data.elfgate.lib.places

rows := declared

declared[container.name] contains row if {
	some row in config.effective.support
	some container in input.containers
	patterns.image(row.repository, container.repository, "")
}

variant(id) := object.get({"rhel": "ubi"}, id, id)

# Whether a row speaks of a variant, whichever of its names is used.
speaks(row, _) if row.variant == "*"

speaks(row, id) if variant(row.variant) == variant(id)

# "example/app ubi: amd64, s390x".
quote(row) := concat(": ", [
	concat(" ", [word | some word in [row.repository, row.variant]; word != "*"]),
	concat(", ", row.architectures),
])

# Variants that the matrix has for a container on every one of some architectures, and that it is not already there.
supported(name, platforms) := sort({row.variant |
	some row in rows[name]
	row.variant != "*"
	not variant(row.variant) in running(name, platforms)
	count({places.architecture(platform) | some platform in platforms} - {listed | some listed in row.architectures}) == 0
})

running(name, platforms) := {variant(linkage.variant.id) |
	some linkage in input.linkages
	linkage.container == name
	linkage.platform in platforms
}

# "use the debian or ubi variant of example/app, supported on ppc64le"; empty if there is none.
advice(name, platforms) := text if {
	others := supported(name, platforms)
	count(others) > 0
	text := concat("", [
		"use the ",
		concat(" or ", others),
		" variant of ",
		concat(" or ", repositories(name)),
		", supported on ",
		concat(" and ", sort({places.architecture(platform) | some platform in platforms})),
	])
} else := ""

repositories(name) := sort({container.repository | some container in input.containers; container.name == name})
