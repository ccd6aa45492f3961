# METADATA
# title: musl does not run our programs on ppc64le
# description: >-
#   The effect fails says that it cannot start there: other platforms are enough then, and the refusal names them.
# custom:
#   remedy: use the Debian variant on ppc64le
#   looks_at: [variants, container_names]
package elfgate.rules.musl_on_ppc64le

findings contains finding if {
	some linkage in input.linkages
	linkage.platform == "linux/ppc64le"
	linkage.variant.libc == "musl"
	finding := {
		"container": linkage.container,
		"platform": linkage.platform,
		"effect": "fails",
		"message": "our programs end with SIGILL on musl for ppc64le",
		"remedy": "use the Debian variant",
	}
}
