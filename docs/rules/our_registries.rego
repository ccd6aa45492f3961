# METADATA
# title: Images come from our registries
# description: >-
#   An image's repository begins with its registry, but for Docker Hub's, which are written without one: nginx,
#   team/app. They begin with none of our registries, and are refused with the rest.
# custom:
#   remedy: push the image to one of our registries
#   looks_at: [image_names, container_names]
#   parameters: {registries: [registry.example/]}
package elfgate.rules.our_registries

ours := data.elfgate.config.parameters.our_registries.registries

findings contains finding if {
	some container in input.containers
	not is_ours(container.repository)
	finding := {
		"container": container.name,
		"message": concat("", [container.repository, " is in none of ", concat(", ", ours)]),
		"remedy": concat("", ["push it to ", ours[0]]),
	}
}

is_ours(repository) if {
	some registry in ours
	startswith(repository, registry)
}
