# METADATA
# title: Nothing needs a glibc newer than 2.28
# description: What is started, with all that it loads, must also start on the oldest hosts that its files are copied to.
# custom:
#   remedy: build the program on a base image with glibc 2.28 or older
package elfgate.rules.old_glibc

newest := [2, 28]

findings contains finding if {
	some linkage in input.linkages
	linkage.needs_glibc > newest # arrays are compared number by number
	finding := {
		"container": linkage.container,
		"platform": linkage.platform,
		"message": concat("", [
			"it needs glibc ",
			concat(".", [format_int(number, 10) | some number in linkage.needs_glibc]),
			", which is newer than 2.28",
		]),
		"remedy": "build it on a base image with glibc 2.28 or older",
	}
}
