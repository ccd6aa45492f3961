# METADATA
# title: Pods have a network of their own
# description: Without a container the finding is about the pod as a whole, without a platform it holds wherever it lands.
# custom:
#   remedy: leave hostNetwork out
#   looks_at: [security, namespaces]
package elfgate.rules.no_host_network

findings contains finding if {
	input.pod.host_network
	input.request.namespace != "monitoring"
	finding := {"message": "it has its node's network", "remedy": "leave hostNetwork out"}
}
