package elfgate.lib.exemptions_test

import data.elfgate.lib.sample

exemption := {
	"namespace": "shop",
	"image": "example/*",
	"workload": "*",
	"rules": ["loader_missing"],
	"owner": "team-a",
	"reason": "moves in June",
	"expires": "2026-06-30",
	"ends": "2026-07-14",
}

document := sample.one("loader_missing", "fails")

verdict_with(asked, exemptions) := verdict if {
	verdict := data.elfgate.main.verdict with input as asked
		with data.elfgate.config as object.union(data.elfgate.config, {"exemptions": exemptions})
}

judged(today, changes) := verdict_with(
	json.patch(document, [{"op": "replace", "path": "/request/today", "value": today}]),
	[object.union(exemption, changes)],
)

test_what_is_exempt_is_kept_for_audits_only if {
	verdict := judged("2026-06-30", {})
	verdict.allowed
	verdict.warnings == []
	[violation.code | some violation in verdict.dryrun] == ["loader_missing"]
}

test_an_expired_one_warns_with_whose_it_was_and_when_it_ends if {
	verdict := judged("2026-07-01", {})
	verdict.allowed
	[warning.lines | some warning in verdict.warnings] == [[concat("", [
		"/app: loader_missing; exempt until 2026-06-30 (team-a: moves in June), the exemption ends on 2026-07-14",
		"  [loader_missing]",
	])]]
}

test_then_it_counts_no_more if {
	not judged("2026-07-15", {}).allowed
}

test_what_only_warned_goes_on_warning_once_it_has_expired if {
	asked := json.patch(
		sample.one("linkage_unknown", "unknown"),
		[{"op": "replace", "path": "/request/today", "value": "2026-07-01"}],
	)
	verdict := verdict_with(asked, [object.union(exemption, {"rules": []})])
	[warning.lines | some warning in verdict.warnings] == [["/app: linkage_unknown  [linkage_unknown]"]]
}

test_of_two_the_one_that_lasts_longer_is_spoken_of if {
	other := object.union(exemption, {"expires": "2026-06-29", "ends": "2026-07-20"})
	asked := json.patch(document, [{"op": "replace", "path": "/request/today", "value": "2026-07-02"}])
	some warning in verdict_with(asked, [exemption, other]).warnings
	contains(warning.lines[0], "the exemption ends on 2026-07-20")
}

test_it_holds_only_for_what_it_names if {
	judged("2026-01-01", {"rules": []}).allowed
	judged("2026-01-01", {"workload": "Pod/w*"}).allowed
	judged("2026-01-01", {"image": "example/web:1"}).allowed
	not judged("2026-01-01", {"namespace": "prod"}).allowed
	not judged("2026-01-01", {"image": "other/*"}).allowed
	not judged("2026-01-01", {"workload": "db"}).allowed
	not judged("2026-01-01", {"rules": ["exec_format"]}).allowed
}

test_the_known_documents_are_never_exempt if {
	asked := json.patch(document, [{"op": "replace", "path": "/request/namespace", "value": "elfgate:golden"}])
	not verdict_with(asked, [object.union(exemption, {"namespace": "*"})]).allowed
}

pinned := json.patch(document, [{"op": "add", "path": "/containers/0/digest", "value": "sha256:aa"}])

let_pass(pattern) if {
	verdict_with(pinned, [object.union(exemption, {"image": pattern})]).allowed
}

test_an_image_that_names_a_digest_is_matched_by_its_digest_and_not_by_its_tag if {
	let_pass("example/web@sha256:aa")
	let_pass("example/web")
	not let_pass("example/web@sha256:bb")
	not let_pass("example/web:1")
}

made_by(owners) := json.patch(document, [
	{"op": "replace", "path": "/request/name", "value": "web-5d9fb-"},
	{"op": "add", "path": "/request/owners", "value": owners},
])

exempt_by(workload, owners) if {
	verdict_with(made_by(owners), [object.union(exemption, {"workload": workload})]).allowed
}

test_an_exemption_for_a_workload_lets_its_pods_in if {
	exempt_by("Deployment/web", ["ReplicaSet/web-5d9fb", "Deployment/web"])
	exempt_by("web", ["ReplicaSet/web-5d9fb", "Deployment/web"])
	exempt_by("ReplicaSet/web-*", ["ReplicaSet/web-5d9fb", "Deployment/web"])
	not exempt_by("Deployment/web", ["ReplicaSet/web-5d9fb", "Deployment/website"])
	not exempt_by("StatefulSet/web", ["ReplicaSet/web-5d9fb", "Deployment/web"])
	not exempt_by("Deployment/web", [])
}

two := object.union(document, {"containers": [
	{"name": "web", "role": "main", "image": "example/web:1", "repository": "example/web", "tag": "1"},
	{"name": "db", "role": "main", "image": "other/db:1", "repository": "other/db", "tag": "1"},
]})

of_the_pod(exempt) := level if {
	level := data.elfgate.lib.exemptions.level("deny", "mine", "") with input as two
		with data.elfgate.config as object.union(data.elfgate.config, {"exemptions": [object.union(exempt, {"rules": []})]})
}

test_the_pod_as_a_whole_is_exempt_if_each_of_its_images_is if {
	of_the_pod(exemption) == "deny"
	of_the_pod(object.union(exemption, {"image": "*"})) == "dryrun"
}

granted_by_namespace(changes, allowed) := verdict if {
	asked := json.patch(document, [
		{"op": "replace", "path": "/request/today", "value": "2026-06-30"},
		{"op": "add", "path": "/request/exemptions", "value": [object.union(exemption, changes)]},
	])
	verdict := data.elfgate.main.verdict with input as asked
		with data.elfgate.config as object.union(data.elfgate.config, {"exempting_namespaces": allowed})
}

test_one_that_a_namespace_grants_counts_where_the_settings_let_it if {
	verdict := granted_by_namespace({}, ["sh*"])
	verdict.allowed
	[violation.code | some violation in verdict.dryrun] == ["loader_missing"]
}

test_one_that_a_namespace_grants_counts_nowhere_else if {
	not granted_by_namespace({}, []).allowed
	not granted_by_namespace({}, ["other"]).allowed
	not granted_by_namespace({"namespace": "other"}, ["sh*"]).allowed
}
