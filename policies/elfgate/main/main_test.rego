package elfgate.main_test

import data.elfgate.lib.sample

# Judged with the bundle's own settings, and some laid over them.
judged(document, settings) := verdict if {
	verdict := data.elfgate.main.verdict with input as document
		with data.elfgate.config as object.union(data.elfgate.config, settings)
}

fails(container, architecture) := sample.predicted(container, architecture, "fails", ["loader_missing"])

unsure(container, architecture) := sample.predicted(container, architecture, "unknown", ["linkage_unknown"])

some_fail := sample.document(
	["amd64", "arm64", "ppc64le"],
	[sample.starts("web", "amd64"), sample.starts("web", "arm64"), fails("web", "ppc64le")],
)

test_nowhere_to_land_is_nothing_to_judge if {
	verdict := judged(sample.document([], []), {})
	verdict.allowed
	verdict.warnings == []
}

test_what_starts_everywhere_is_admitted_in_silence if {
	verdict := judged(sample.document(["amd64"], [sample.starts("web", "amd64")]), {})
	verdict.allowed
	verdict.warnings == []
	not verdict.unknown
}

test_what_starts_nowhere_is_denied if {
	verdict := judged(sample.document(["ppc64le"], [fails("web", "ppc64le")]), {})
	not verdict.allowed
	some denial in verdict.denials
	denial == {
		"code": "loader_missing",
		"container": "web",
		"platforms": ["linux/ppc64le"],
		"headline": "web (example/web:1) cannot start on ppc64le (ppc64le-1)",
		"lines": ["/app: loader_missing  [loader_missing]"],
		"remedy": "repair loader_missing",
		"help": "",
	}
}

test_what_starts_somewhere_is_admitted_with_the_architectures_to_require if {
	verdict := judged(some_fail, {})
	verdict.allowed
	[warning.remedy | some warning in verdict.warnings] == ["repair loader_missing, or add a node affinity: kubernetes.io/arch in (amd64, arm64)"]
}

test_one_node_that_starts_it_is_enough_for_what_runs_on_every_node if {
	verdict := judged(json.patch(some_fail, [{"op": "replace", "path": "/request/every_node", "value": true}]), {})
	verdict.allowed
	[warning.remedy | some warning in verdict.warnings] == ["repair loader_missing, or add a node affinity: kubernetes.io/arch in (amd64, arm64)"]
}

test_every_platform_counts_where_the_settings_say_so if {
	worse := updated(some_fail, false, [was("ppc64le", "starts")])
	judged(worse, {}).allowed
	not judged(worse, {"require": "all"}).allowed
	not judged(worse, {"namespaces": {"shop": {"require": "all"}}}).allowed
	judged(worse, {"namespaces": {"bank": {"require": "all"}}}).allowed
	not judged(worse, {"points": {"pod": {"require": "all"}}}).allowed
	judged(worse, {"points": {"pod": {"require": "all"}}, "namespaces": {"shop": {"require": "any"}}}).allowed
}

all_fail := sample.document(["ppc64le"], [fails("web", "ppc64le")])

test_what_is_held_back_is_said_beside_the_verdict if {
	plain := judged(all_fail, {})
	every settings in [{"most": "dryrun"}, {"most": "warn"}, {"rules": {"loader_missing": "dryrun"}}] {
		verdict := judged(all_fail, settings)
		verdict.allowed
		verdict.would_deny == plain.denials
	}
}

test_what_only_warns_in_any_case_is_not_held_back if {
	every settings in [{}, {"most": "dryrun"}, {"rules": {"loader_missing": "warn"}}] {
		judged(some_fail, settings).would_deny == []
	}
}

test_what_is_denied_holds_nothing_back if {
	document := sample.document(["ppc64le"], [fails("db", "ppc64le"), sample.predicted("web", "ppc64le", "fails", ["exec_format"])])
	verdict := judged(document, {"rules": {"exec_format": "warn"}})
	not verdict.allowed
	verdict.would_deny == []
}

test_nobody_is_told_of_a_dry_run if {
	judged(all_fail, {"most": "dryrun"}).warnings == []
	judged(some_fail, {"most": "dryrun"}).warnings == []
	judged(sample.document(["s390x"], [unsure("web", "s390x")]), {"most": "dryrun"}).warnings == []
}

test_a_warning_of_what_is_to_be_refused_says_so if {
	[warning.lines | some warning in judged(all_fail, {"most": "warn"}).warnings] == [[
		"/app: loader_missing  [loader_missing]",
		"for now this only warns: later it is refused",
	]]
	[warning.lines | some warning in judged(some_fail, {"most": "warn"}).warnings] == [["/app: loader_missing  [loader_missing]"]]
}

test_what_is_not_refused_for_want_of_labels_says_so if {
	settings := {"namespaces": {"stage=test": {"most": "dryrun"}}}
	[warning.lines | some warning in judged(all_fail, settings).warnings] == [[
		"/app: loader_missing  [loader_missing]",
		"for now this only warns: settings go by the namespace's labels, which are not known",
	]]
	labelled := object.union(all_fail, {"request": {"namespace_labels": {"stage": "prod"}}})
	judged(labelled, settings).allowed == false
}

test_a_warning_beside_it_stays_as_it_is if {
	document := sample.document(["ppc64le"], [fails("db", "ppc64le"), unsure("web", "ppc64le")])
	warnings := judged(document, {"most": "warn"}).warnings
	[[warning.code, count(warning.lines)] | some warning in warnings] == [["loader_missing", 2], ["linkage_unknown", 1]]
}

test_a_placement_that_spares_in_a_dry_run_holds_a_denial_back if {
	away := json.patch(all_fail, [{"op": "add", "path": "/openings", "value": [{"reason": "gated", "because": "it is gated"}]}])
	verdict := judged(away, {"unknown": {"gated": "dryrun"}})
	verdict.allowed
	verdict.warnings == []
	[denial.code | some denial in verdict.would_deny] == ["loader_missing"]
	judged(away, {}).would_deny == []
}

# Two containers that fail on both platforms, with another image for each where it is given: by container and architecture.
both_fail(images) := sample.document(["amd64", "arm64"], [linkage |
	some name in ["a", "b"]
	some architecture in ["amd64", "arm64"]
	linkage := object.union(
		fails(name, architecture),
		{"alternatives": [image | image := images[name][architecture]]},
	)
])

ways(images) := {[denial.container, denial.remedy] | some denial in judged(both_fail(images), {}).denials}

test_images_that_start_only_apart_are_no_way_out if {
	ways({"a": {"amd64": "a:amd"}, "b": {"arm64": "b:arm"}}) == {["a", "repair loader_missing"], ["b", "repair loader_missing"]}
}

test_images_are_named_for_one_platform_that_they_share if {
	found := ways({"a": {"amd64": "a:amd", "arm64": "a:arm"}, "b": {"arm64": "b:arm"}})
	["a", "use a:arm, which starts on arm64"] in found
	["b", "use b:arm, which starts on arm64"] in found
	not ["a", "use a:amd, which starts on amd64"] in found
}

test_what_warns_of_what_is_not_allowed_says_that_it_should_not_be if {
	document := sample.document(["amd64"], [sample.starts("web", "amd64")])
	[warning.headline | some warning in judged(document, {"rules": {"unpinned_tag": "warn"}}).warnings] == ["web (example/web:1) should not run"]
}

test_one_platform_of_which_nothing_is_known_is_enough_to_admit if {
	verdict := judged(sample.document(["ppc64le", "s390x"], [fails("web", "ppc64le"), unsure("web", "s390x")]), {})
	verdict.allowed
	verdict.unknown
	[warning.headline | some warning in verdict.warnings] == [
		"web (example/web:1) cannot start on ppc64le (ppc64le-1)",
		"it is not known whether web (example/web:1) starts on s390x (s390x-1)",
	]
}

test_where_none_is_known_to_start_the_failing_ones_are_to_be_kept_off if {
	verdict := judged(sample.document(["ppc64le", "s390x"], [fails("web", "ppc64le"), unsure("web", "s390x")]), {})
	verdict.warnings[0].remedy == "repair loader_missing, or add a node affinity: kubernetes.io/arch notin (ppc64le)"
}

test_an_architecture_is_not_suggested_for_one_of_its_variants if {
	verdict := judged(sample.document(["arm/v6", "arm/v7"], [fails("web", "arm/v6"), sample.starts("web", "arm/v7")]), {})
	verdict.warnings[0].remedy == "repair loader_missing"
}

test_unknown_does_what_its_reason_says if {
	document := sample.document(["amd64"], [unsure("web", "amd64")])
	judged(document, {"unknown": {"not_scanned": "allow"}}).warnings == []
	count(judged(document, {"unknown": {"not_scanned": "warn"}}).warnings) == 1
	not judged(document, {"unknown": {"not_scanned": "deny"}}).allowed
	judged(document, {"unknown": {"not_scanned": "deny"}, "rules": {"linkage_unknown": "warn"}}).allowed
}

test_a_rule_does_what_its_mode_says if {
	document := sample.document(["ppc64le"], [fails("web", "ppc64le")])
	warned := judged(document, {"rules": {"loader_missing": "warn"}})
	warned.allowed
	count(warned.warnings) == 1
	tried := judged(document, {"rules": {"loader_missing": "dryrun"}})
	tried.warnings == []
	count(tried.dryrun) == 1
	passed := judged(document, {"rules": {"loader_missing": "off"}})
	passed.dryrun == []
}

test_a_rule_that_only_warns_makes_no_platform_bad if {
	document := sample.document(["amd64", "ppc64le"], [
		fails("web", "ppc64le"),
		sample.predicted("web", "amd64", "fails", ["cpu_level"]),
	])
	not judged(document, {}).allowed
	judged(document, {"rules": {"cpu_level": "warn"}}).allowed
}

test_a_note_warns_where_it_is_asked_for_and_never_denies if {
	document := sample.document(["amd64"], [sample.predicted("web", "amd64", "note", ["cpu_level"])])
	judged(document, {}).warnings == []
	verdict := judged(document, {"notes": {"cpu_level": "warn"}, "rules": {"cpu_level": "deny"}})
	verdict.allowed
	[warning.headline | some warning in verdict.warnings] == ["web (example/web:1) starts on amd64 (amd64-1), with a note"]
}

test_a_note_on_what_does_not_start_does_not_say_that_it_starts if {
	failing := fails("web", "amd64")
	noted := object.union(failing, {"findings": array.concat(failing.findings, [sample.found("cpu_level", "note")])})
	verdict := judged(sample.document(["amd64"], [noted]), {"notes": {"cpu_level": "warn"}})
	[warning.headline | some warning in verdict.warnings] == ["note on web (example/web:1) on amd64 (amd64-1)"]
}

test_no_platform_may_be_left_though_each_container_has_one if {
	verdict := judged(
		sample.document(["amd64", "ppc64le", "s390x"], [
			sample.starts("api", "amd64"),
			fails("api", "ppc64le"),
			fails("api", "s390x"),
			fails("web", "amd64"),
			sample.starts("web", "ppc64le"),
			sample.starts("web", "s390x"),
		]),
		{},
	)
	verdict.denials[0] == {
		"code": "no_common_platform",
		"container": "",
		"platforms": ["linux/amd64", "linux/ppc64le", "linux/s390x"],
		"headline": "no platform is left that starts every container of this pod",
		"lines": [
			"api (example/api:1) starts only on amd64",
			"web (example/web:1) starts only on ppc64le and s390x",
		],
		"remedy": "use images that share an architecture",
		"help": "",
	}
	[denial.headline | some denial in verdict.denials; denial.container != ""] == [
		"api (example/api:1) cannot start on ppc64le (ppc64le-1) and s390x (s390x-1)",
		"web (example/web:1) cannot start on amd64 (amd64-1)",
	]
}

test_a_pod_that_fails_for_one_container_everywhere_is_not_said_to_be_disjoint if {
	verdict := judged(
		sample.document(["amd64", "s390x"], [
			sample.starts("api", "amd64"),
			fails("api", "s390x"),
			fails("web", "amd64"),
			fails("web", "s390x"),
		]),
		{},
	)
	[denial.container | some denial in verdict.denials] == ["api", "web"]
}

test_another_image_is_suggested_where_it_is_known_to_start if {
	linkages := [
		object.union(fails("web", "ppc64le"), {"alternatives": ["example/web:1-debian", "example/web:1-ubi"]}),
		sample.starts("web", "amd64"),
	]
	verdict := judged(sample.document(["ppc64le"], linkages), {})
	verdict.denials[0].remedy == concat("", [
		"use example/web:1-debian, which starts on ppc64le,",
		" or set nodeSelector {kubernetes.io/arch: amd64}",
	])
}

lacks(architecture, loader) := object.union(fails("web", architecture), {"findings": [object.union(
	sample.found("loader_missing", "fails"),
	{"message": concat(" ", ["/app needs", loader]), "remedy": "use glibc", "differs": loader},
)]})

test_a_finding_that_differs_in_one_word_from_platform_to_platform_is_told_of_once if {
	linkages := [lacks("ppc64le", "/lib64/ld64.so.2"), lacks("s390x", "/lib/ld64.so.1")]
	verdict := judged(sample.document(["ppc64le", "s390x"], linkages), {})
	[denial.lines | some denial in verdict.denials] == [["/app needs /lib/ld64.so.1 or /lib64/ld64.so.2  [loader_missing]"]]
	[denial.remedy | some denial in verdict.denials] == ["use glibc"]
}

test_a_finding_without_a_word_that_differs_is_told_beside_one_that_has_it if {
	both := object.union(lacks("s390x", "/lib/ld64.so.1"), {"findings": array.concat(
		lacks("s390x", "/lib/ld64.so.1").findings,
		[sample.found("library_missing", "fails")],
	)})
	verdict := judged(sample.document(["s390x"], [both]), {})
	[denial.lines | some denial in verdict.denials] == [[
		"/app needs /lib/ld64.so.1  [loader_missing]",
		"/app: library_missing  [library_missing]",
	]]
}

test_platforms_with_another_way_out_are_told_of_apart if {
	linkages := [
		object.union(fails("web", "ppc64le"), {"alternatives": ["example/web:1-debian"]}),
		fails("web", "s390x"),
	]
	verdict := judged(sample.document(["ppc64le", "s390x"], linkages), {})
	[denial.remedy | some denial in verdict.denials] == [
		"use example/web:1-debian, which starts on ppc64le but is not known to on s390x",
		"repair loader_missing",
	]
}

test_a_long_list_of_findings_is_counted if {
	linkage := object.union(fails("web", "amd64"), {"findings": [finding |
		some number in numbers.range(1, 9)
		finding := object.union(sample.found("library_missing", "fails"), {"message": format_int(number, 10)})
	]})
	verdict := judged(sample.document(["amd64"], [linkage]), {})
	verdict.denials[0].lines == [
		"1  [library_missing]",
		"2  [library_missing]",
		"3  [library_missing]",
		"4  [library_missing]",
		"5  [library_missing]",
		"6  [library_missing]",
		"and 3 more like it",
	]
}

test_a_rule_that_is_not_about_starting_says_not_allowed if {
	verdict := data.elfgate.main.verdict with input as sample.document(["s390x"], [sample.starts("web", "s390x")])
		with data.elfgate.rules.support_matrix.findings as {{
			"container": "web",
			"platform": "linux/s390x",
			"position": 0,
			"effect": "violates",
			"reason": "",
			"message": "not the UBI variant",
			"remedy": "use it",
		}}
	[denial.headline | some denial in verdict.denials] == ["web (example/web:1) is not allowed on s390x (s390x-1)"]
	[denial.remedy | some denial in verdict.denials] == ["use it"]
}

test_a_document_that_names_things_twice_is_judged if {
	once := sample.document(["ppc64le"], [fails("web", "ppc64le")])
	twice := object.union(once, {
		"targets": array.concat(once.targets, once.targets),
		"containers": array.concat(once.containers, once.containers),
		"linkages": array.concat(once.linkages, once.linkages),
	})
	judged(twice, {}) == judged(once, {})
}

test_without_settings_there_is_no_decision if {
	verdict := data.elfgate.main.verdict with input as some_fail with data.elfgate.config as {}
	verdict == {"version": 0}
}

test_containers_that_share_a_platform_are_not_said_to_share_none if {
	linkages := [sample.starts(name, "amd64") | some name in ["web", "proxy"]]
	verdict := data.elfgate.main.verdict with input as sample.document(["amd64"], linkages)
		with data.elfgate.config as object.union(
			data.elfgate.config,
			{"rules": object.union(data.elfgate.config.rules, {"unpinned_tag": "deny"})},
		)
	not verdict.allowed
	{denial.code | some denial in verdict.denials} == {"unpinned_tag"}
}

helps(settings) := [denial.help | some denial in judged(all_fail, settings).denials]

test_the_owners_line_stands_beside_a_refusal if {
	helps({"help": "ask #platform"}) == ["ask #platform"]
	helps({"help": "ask #platform", "rule_help": {"loader_missing": "ask #images"}}) == ["ask #images"]
	helps({"help": "ask #platform", "namespaces": {"shop": {"help": "ask #shop"}}}) == ["ask #shop"]
	helps({}) == [""]
}

exemption := {
	"namespace": "shop",
	"image": "*",
	"workload": "*",
	"rules": [],
	"owner": "a",
	"reason": "b",
	"expires": "2026-06-30",
	"ends": "2026-07-14",
}

test_exemptions_that_spare_something_are_named if {
	other := object.union(exemption, {"rules": ["exec_format"]})
	judged(all_fail, {"exemptions": [other, exemption]}).spared == [1]
	judged(some_fail, {"exemptions": [other]}).spared == []
}

test_an_exemption_spares_nothing_on_a_platform_that_the_object_cannot_land_on if {
	linkages := [sample.starts("web", "amd64"), fails("web", "ppc64le")]
	judged(sample.document(["amd64"], linkages), {"exemptions": [exemption]}).spared == []
}

test_daemon_sets_are_taken_like_anything_else_where_that_is_set if {
	document := json.patch(
		updated(some_fail, false, [was("ppc64le", "starts")]),
		[{"op": "replace", "path": "/request/every_node", "value": true}],
	)
	not judged(document, {}).allowed
	judged(document, {"daemonsets": "any"}).allowed
}
