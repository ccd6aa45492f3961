# METADATA
# title: On s390x only the UBI variant runs
# description: What an image is, its root file system says; UBI calls itself RHEL in os-release.
# custom:
#   remedy: use the tag of the UBI variant
package elfgate.rules.ubi_on_s390x

findings contains finding if {
	some linkage in input.linkages
	linkage.platform == "linux/s390x"
	not linkage.variant.id in {"rhel", "unknown"}
	finding := {
		"container": linkage.container,
		"platform": linkage.platform,
		"message": concat("", ["workloads on s390x use the UBI variant, and this is ", linkage.variant.id]),
		"remedy": "use the tag that ends in -ubi",
	}
}
