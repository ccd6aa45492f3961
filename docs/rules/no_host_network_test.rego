package elfgate.rules.no_host_network_test

import data.elfgate.lib.sample

of(host_network, architectures) := object.union(
	sample.document(architectures, [sample.starts("web", "amd64")]),
	{"pod": {"host_network": host_network}},
)

test_the_nodes_network_is_denied_also_where_no_node_matches if {
	every architectures in [["amd64"], []] {
		verdict := data.elfgate.main.verdict with input as of(true, architectures)
		[denial.code | some denial in verdict.denials] == ["no_host_network"]
	}
}

test_its_own_is_let_in if {
	verdict := data.elfgate.main.verdict with input as of(false, ["amd64"])
	verdict.allowed
}
