# METADATA
# title: Pods have few containers
# description: Each container costs its node memory and time; a pod of many is most often several pods.
# custom:
#   remedy: divide the pod
#   looks_at: [container_names]
#   parameters: {most: 8}
package elfgate.rules.few_containers

most := data.elfgate.config.parameters.few_containers.most

findings contains finding if {
	count(input.containers) > most
	finding := {"message": concat("", [
		"it has ",
		format_int(count(input.containers), 10),
		" containers, more than ",
		format_int(most, 10),
	])}
}
