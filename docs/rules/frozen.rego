# METADATA
# title: A release waits for its day
# description: Days compare as texts, as both are written YEAR-MONTH-DAY; today is the day in UTC.
# custom:
#   remedy: wait for the release's day
#   looks_at: [image_names, container_names]
#   parameters: {repository: example/web, tag: "2", until: "2026-06-01"}
package elfgate.rules.frozen

wait := data.elfgate.config.parameters.frozen

findings contains finding if {
	input.request.today < wait.until
	some container in input.containers
	container.repository == wait.repository
	container.tag == wait.tag
	finding := {
		"container": container.name,
		"message": concat("", [container.image, " waits until ", wait.until]),
	}
}
