# METADATA
# title: 32-bit Arm is to be given up
# description: >-
#   A platform is written as in input.targets, with its system: linux/arm/v7. Nodes that do not tell their variant are
#   linux/arm. Warn with rules: {no_arm_v7: warn}.
# custom:
#   remedy: keep the pod off 32-bit Arm
#   looks_at: [container_names]
package elfgate.rules.no_arm_v7

findings contains finding if {
	some target in input.targets
	target.architecture == "arm"
	finding := {
		"platform": target.platform,
		"message": "32-bit Arm nodes are given up this year",
	}
}
