package elfgate.main_test

import data.elfgate.lib.sample

# The document of a pod that lands on ppc64le and fails there, with what else may become of it.
stuck(targets, openings) := object.union(
	sample.document(["ppc64le"], [fails("web", "ppc64le")]),
	{"targets": array.concat(sample.document(["ppc64le"], []).targets, targets), "openings": openings},
)

target(architecture, nodes, standing, reason) := {
	"platform": concat("/", ["linux", architecture]),
	"architecture": architecture,
	"nodes": nodes,
	"names": [],
	"standing": standing,
	"reason": reason,
	"because": concat(" ", ["because of", reason]),
}

with_linkage(document, linkage) := object.union(document, {"linkages": array.concat(document.linkages, [linkage])})

gated := [{"reason": "gated", "because": "gates hold it"}]

test_a_platform_that_may_come_is_enough_to_admit if {
	document := with_linkage(stuck([target("amd64", 2, "possible", "node_away")], []), sample.starts("web", "amd64"))
	verdict := judged(document, {})
	verdict.allowed
	verdict.warnings[0].lines == [
		"/app: loader_missing  [loader_missing]",
		"it is not refused, as amd64 is left: because of node_away",
	]
}

test_it_is_denied_where_what_may_come_fails_too if {
	document := with_linkage(stuck([target("amd64", 2, "possible", "node_away")], []), fails("web", "amd64"))
	not judged(document, {}).allowed
}

test_settings_judge_as_if_the_placement_were_final if {
	document := with_linkage(stuck([target("amd64", 2, "possible", "node_away")], []), sample.starts("web", "amd64"))
	not judged(document, {"unknown": {"node_away": "deny"}}).allowed
	not judged(stuck([], gated), {"unknown": {"gated": "deny"}}).allowed
}

test_settings_pass_over_in_silence if {
	verdict := judged(stuck([], gated), {"unknown": {"gated": "allow"}})
	verdict.allowed
	verdict.warnings == []
	[finding.code | some finding in verdict.dryrun] == ["loader_missing"]
}

test_a_placement_that_is_not_final_is_warned_of if {
	verdict := judged(stuck([], gated), {})
	verdict.allowed
	verdict.warnings[0].lines[1] == "it is not refused, as gates hold it"
}

test_it_is_denied_where_every_open_platform_was_looked_at_and_fails if {
	document := with_linkage(stuck([target("amd64", 0, "open", "gated")], gated), fails("web", "amd64"))
	not judged(document, {}).allowed
	started := with_linkage(stuck([target("amd64", 0, "open", "gated")], gated), sample.starts("web", "amd64"))
	judged(started, {}).allowed
}

test_an_open_platform_is_no_place_to_warn_of if {
	document := sample.document(["amd64"], [sample.starts("web", "amd64"), fails("web", "ppc64le")])
	opened := object.union(document, {"targets": array.concat(document.targets, [target("ppc64le", 0, "open", "gated")])})
	judged(opened, {}).warnings == []
}

everywhere(document) := json.patch(document, [{"op": "replace", "path": "/request/every_node", "value": true}])

test_what_runs_on_every_node_is_denied_where_no_node_that_is_there_could_start_it if {
	not judged(everywhere(stuck([], [])), {}).allowed
	coming := with_linkage(stuck([target("amd64", 0, "possible", "no_node")], []), sample.starts("web", "amd64"))
	judged(coming, {}).allowed
	not judged(everywhere(coming), {}).allowed
	not judged(coming, {"require": "all"}).allowed
	away := with_linkage(stuck([target("amd64", 1, "possible", "node_away")], []), sample.starts("web", "amd64"))
	judged(everywhere(away), {}).allowed
	judged(everywhere(stuck([], gated)), {}).allowed
}

updated(document, same, before) := json.patch(object.union(document, {"before": before}), [{
	"op": "add",
	"path": "/request/same_images",
	"value": same,
}])

was(architecture, verdict) := {"platform": concat("/", ["linux", architecture]), "verdict": verdict}

test_an_update_that_takes_a_platform_away_from_what_runs_on_every_node_is_denied if {
	not judged(updated(everywhere(some_fail), false, [was("ppc64le", "starts"), was("amd64", "starts")]), {}).allowed
	judged(updated(everywhere(some_fail), false, [was("ppc64le", "cannot-start"), was("amd64", "starts")]), {}).allowed
}

test_an_update_takes_nothing_away_where_the_nodes_may_be_gone if {
	away := json.patch(everywhere(some_fail), [{"op": "add", "path": "/targets/2/standing", "value": "possible"}])
	away.targets[2].architecture == "ppc64le"
	judged(updated(away, false, [was("ppc64le", "starts"), was("amd64", "starts")]), {}).allowed
}

test_an_update_takes_nothing_away_where_something_else_may_keep_the_pods_from_a_platform if {
	worse := updated(everywhere(some_fail), false, [was("ppc64le", "starts"), was("amd64", "starts")])
	judged(object.union(worse, {"openings": gated}), {}).allowed
	not judged(object.union(worse, {"openings": gated}), {"unknown": {"gated": "deny"}}).allowed
}

test_an_update_that_leaves_the_images_and_changes_nothing_is_warned_of if {
	verdict := judged(updated(stuck([], []), true, [was("ppc64le", "cannot-start")]), {})
	verdict.allowed
	verdict.warnings[0].lines[1] == "it is not refused, as this update leaves its images as they were"
}

test_one_container_that_could_start_nowhere_is_enough_for_an_update_to_change_nothing if {
	judged(updated(stuck([], []), true, [was("ppc64le", "cannot-start"), was("ppc64le", "starts")]), {}).allowed
	once := [was("ppc64le", "starts"), was("ppc64le", "cannot-start"), was("amd64", "starts")]
	judged(updated(everywhere(some_fail), false, once), {}).allowed
}

test_an_update_that_makes_it_worse_is_denied if {
	not judged(updated(stuck([], []), false, [was("ppc64le", "cannot-start")]), {}).allowed
	not judged(updated(stuck([], []), true, [was("ppc64le", "cannot-start"), was("amd64", "starts")]), {}).allowed
	not judged(updated(stuck([], []), true, []), {}).allowed
}

test_the_system_is_asked_for_where_only_another_fails if {
	windows := {"platform": "windows/amd64", "architecture": "amd64", "nodes": 1, "names": ["win-1"]}
	document := sample.document(["amd64"], [
		sample.starts("web", "amd64"),
		object.union(fails("web", "amd64"), {"platform": "windows/amd64"}),
	])
	verdict := judged(json.patch(document, [{"op": "add", "path": "/targets/-", "value": windows}]), {})
	[warning.remedy | some warning in verdict.warnings] == ["repair loader_missing, or set nodeSelector {kubernetes.io/os: linux}"]
}

test_what_a_rule_denies_wherever_it_lands_is_spared_by_no_placement if {
	tagged := json.patch(stuck([], gated), [{"op": "replace", "path": "/containers/0/tag", "value": "latest"}])
	verdict := judged(tagged, {"rules": {"latest_tag": "deny"}})
	[denial.code | some denial in verdict.denials] == ["latest_tag"]
	verdict.warnings[0].lines == ["/app: loader_missing  [loader_missing]"]
}
