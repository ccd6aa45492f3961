package elfgate.rules.support_matrix_test

import data.elfgate.lib.sample

table := {"support": [
	{"repository": "example/web", "variant": "alpine", "architectures": ["amd64"], "source": "the project's README"},
	{"repository": "example/*", "variant": "ubi", "architectures": ["amd64", "s390x"], "source": "the project's README"},
]}

findings(document, settings) := found if {
	found := data.elfgate.rules.support_matrix.findings with input as document
		with data.elfgate.config as object.union(data.elfgate.config, settings)
}

of(variant, tag) := object.union(document, {"containers": containers}) if {
	linkage := object.union(sample.starts("web", "s390x"), {"variant": {"id": variant}})
	document := sample.document(["s390x"], [linkage])
	containers := [object.union(document.containers[0], {"tag": tag})]
}

test_without_a_matrix_there_is_nothing_to_say if {
	findings(of("alpine", "1"), {}) == set()
}

test_what_a_row_lists_is_supported if {
	findings(of("rhel", "1"), table) == set()
}

test_what_its_row_leaves_out_is_not_and_the_row_is_quoted if {
	some finding in findings(of("alpine", "1"), table)
	finding.effect == "violates"
	finding.message == `alpine is not supported here: "example/web alpine: amd64" (the project's README)`
	finding.remedy == "use the ubi variant of example/web, supported on s390x"
}

test_what_no_row_speaks_of_is_not_and_all_rows_are_quoted if {
	some finding in findings(of("debian", "1"), table)
	finding.message == concat("", [
		`debian is not supported here: "example/* ubi: amd64, s390x" (the project's README);`,
		` "example/web alpine: amd64" (the project's README)`,
	])
}

test_a_row_for_any_variant_speaks_of_each if {
	rows := {"support": [{"repository": "example/web", "variant": "*", "architectures": ["amd64"], "source": "x"}]}
	some finding in findings(of("debian", "1"), rows)
	finding.message == `debian is not supported here: "example/web: amd64" (x)`
	finding.remedy == ""
}

test_a_tag_is_a_hint_and_no_more if {
	some finding in findings(of("unknown", "20-alpine3.20"), hinted)
	finding.effect == "unknown"
}

hinted := {"support": [{"repository": "*", "variant": "alpine3", "architectures": ["amd64"], "source": "x"}]}

test_a_tag_that_hints_at_nothing_says_nothing if {
	findings(of("unknown", "20"), table) == set()
}

test_it_denies if {
	verdict := data.elfgate.main.verdict with input as of("alpine", "1")
		with data.elfgate.config as object.union(data.elfgate.config, table)
	[denial.remedy | some denial in verdict.denials] == ["use the ubi variant of example/web, supported on s390x"]
}

test_a_supported_variant_is_advised_where_another_cannot_start if {
	document := sample.document(["s390x"], [object.union(
		sample.predicted("web", "s390x", "fails", ["loader_missing"]),
		{"variant": {"id": "debian"}},
	)])
	rows := {"support": [{"repository": "*/web", "variant": "ubi", "architectures": ["s390x"], "source": "x"}]}
	verdict := data.elfgate.main.verdict with input as document
		with data.elfgate.config as object.union(data.elfgate.config, object.union(rows, {"rules": object.union(
			data.elfgate.config.rules,
			{"support_matrix": "off"},
		)}))
	[denial.remedy | some denial in verdict.denials] == ["use the ubi variant of example/web, supported on s390x"]
}

test_a_hint_counts_the_rows_for_every_variant_too if {
	rows := {"support": [
		{"repository": "*", "variant": "alpine", "architectures": ["amd64"], "source": "x"},
		{"repository": "*", "variant": "*", "architectures": ["s390x"], "source": "x"},
	]}
	findings(of("unknown", "1-alpine"), rows) == set()
}
