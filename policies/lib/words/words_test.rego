package elfgate.lib.words_test

pod(role, targets) := {
	"containers": [{"name": "web", "role": role, "image": "example/web:1"}],
	"targets": targets,
	"linkages": [],
}

test_a_series_reads_as_a_sentence_would if {
	data.elfgate.lib.words.series([]) == ""
	data.elfgate.lib.words.series(["a"]) == "a"
	data.elfgate.lib.words.series(["a", "b"]) == "a and b"
	data.elfgate.lib.words.series(["a", "b", "c"]) == "a, b and c"
}

test_a_container_is_named_with_its_image_and_its_role if {
	data.elfgate.lib.words.container("web") == "web (example/web:1)" with input as pod("main", [])
	data.elfgate.lib.words.container("web") == "init container web (example/web:1)" with input as pod("init", [])
	data.elfgate.lib.words.container("web") == "sidecar web (example/web:1)" with input as pod("sidecar", [])
	data.elfgate.lib.words.container("web") == "ephemeral container web (example/web:1)" with input as pod("ephemeral", [])
	data.elfgate.lib.words.container("other") == "other" with input as pod("main", [])
}

test_platforms_are_named_with_up_to_three_of_their_nodes if {
	targets := [
		{"platform": "linux/amd64", "nodes": 9, "names": ["c", "b", "a", "d"]},
		{"platform": "linux/arm/v7", "nodes": 0, "names": []},
		{"platform": "windows/amd64", "nodes": 1, "names": ["w"]},
	]
	said := data.elfgate.lib.words.located(["linux/amd64", "linux/arm/v7", "windows/amd64"]) with input as pod("main", targets)
	said == "amd64 (a, b, c and 6 more), arm/v7 and windows/amd64 (w)"
}

test_where_it_makes_no_difference_where_it_lands_no_place_is_named if {
	data.elfgate.lib.words.headline("violates", "web", []) == "web (example/web:1) is not allowed" with input as pod("main", [])
	data.elfgate.lib.words.headline("fails", "web", []) == "web (example/web:1) cannot start" with input as pod("main", [])
	data.elfgate.lib.words.headline("violates", "", []) == "this pod is not allowed" with input as pod("main", [])
}

test_bases_that_have_what_is_missing_are_named_up_to_three if {
	names := ["Debian 13", "Ubuntu 24.04", "UBI 10", "Fedora 43"]
	data.elfgate.lib.words.bases(["GLIBC_2.38"], names, "Debian 12") == concat("", [
		"use a base that has GLIBC_2.38 (Debian 13, Ubuntu 24.04, UBI 10), or build on Debian 12",
	])
	data.elfgate.lib.words.bases(["GLIBC_2.38", "GCC_14.0.0"], ["Debian 13"], "") == concat("", [
		"use a base that has GLIBC_2.38 and GCC_14.0.0 (Debian 13)",
	])
}
