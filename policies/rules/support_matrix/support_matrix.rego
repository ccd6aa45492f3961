# METADATA
# title: The combination is not supported
# description: >-
#   A support matrix in the settings lists the variants of this repository that are supported on each architecture. This
#   variant is not supported on this architecture, even if it starts. The image's root file system names the variant; if
#   it does not, the tag is a hint, and the variant is unknown.
# custom:
#   code: support_matrix
#   remedy: use a variant that the matrix has for this architecture, or have the row corrected
#   needs: support
#   looks_at: [image_names, namespace_labels, namespaces, variants]
package elfgate.rules.support_matrix

import data.elfgate.lib.config
import data.elfgate.lib.places
import data.elfgate.lib.support

findings contains finding if {
	count(config.effective.support) > 0
	some linkage in input.linkages
	rows := support.rows[linkage.container]
	architecture := places.architecture(linkage.platform)
	told := judged(linkage, rows)
	not covered(told.rows, architecture)
	finding := {
		"container": linkage.container,
		"platform": linkage.platform,
		"position": 1000,
		"effect": told.effect,
		"reason": told.reason,
		"message": concat("", [told.message, quoted(told.rows, rows)]),
		"remedy": support.advice(linkage.container, {linkage.platform}),
	}
}

covered(rows, architecture) if {
	some row in rows
	architecture in row.architectures
}

# The rows for what the root file system says the image is.
judged(linkage, rows) := {
	"rows": {row | some row in rows; support.speaks(row, linkage.variant.id)},
	"effect": "violates",
	"reason": "",
	"message": concat("", [support.variant(linkage.variant.id), " is not supported here: "]),
} if {
	not linkage.variant.id in {"", "unknown"}
} else := {
	"rows": (hinted | {row | some row in rows; row.variant == "*"}),
	"effect": "unknown",
	"reason": "shape_unknown",
	"message": "the image does not say what it is, and its tag speaks of a variant that is not supported here; supported: ",
} if {
	hinted := {row |
		some row in rows
		row.variant in split(replace(places.first[linkage.container].tag, ".", "-"), "-")
	}
	count(hinted) > 0
}

# The rows that speak of it, else all that there are.
quoted(spoken, _) := series(spoken) if count(spoken) > 0

quoted(spoken, rows) := series(rows) if count(spoken) == 0

series(rows) := concat("; ", sort({concat("", ["\"", support.quote(row), "\" (", row.source, ")"]) | some row in rows}))
