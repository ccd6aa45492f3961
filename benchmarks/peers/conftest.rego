package main

# The rule of opa.rego, for manifests.
deny contains message if {
	input.kind == "Pod"
	architecture := input.spec.nodeSelector["kubernetes.io/arch"]
	architecture in {"ppc64le", "s390x"}
	some container in input.spec.containers
	regex.match(`:[^/@:]*alpine[^/@:]*(@|$)`, container.image)
	message := sprintf("%s: %s has no build for %s", [container.name, container.image, architecture])
}
