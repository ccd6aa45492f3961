package elfgate.rules.symbol_version_missing_test

import data.elfgate.lib.sample

test_it_takes_its_own_findings_only if {
	found := data.elfgate.rules.symbol_version_missing.findings with input as sample.one("symbol_version_missing", "fails")
	{finding.message | some finding in found} == {"/app: symbol_version_missing"}
}

test_it_denies if {
	verdict := data.elfgate.main.verdict with input as sample.one("symbol_version_missing", "fails")
	{violation.code | some violation in verdict.denials} == {"symbol_version_missing"}
}

lacking(bases, own) := sample.document(["ppc64le"], [object.union(
	sample.predicted("web", "ppc64le", "fails", []),
	{"findings": [object.union(
		sample.found("symbol_version_missing", "fails"),
		{"versions": ["GLIBC_2.38"], "bases": bases, "build_on": own},
	)]},
)])

remedies(document) := {denial.remedy | some denial in verdict.denials} if {
	verdict := data.elfgate.main.verdict with input as document
}

test_it_names_bases_that_have_the_version if {
	remedies(lacking(["Debian 13", "UBI 10"], "Debian 12")) == {concat("", [
		"use a base that has GLIBC_2.38 (Debian 13, UBI 10), or build on Debian 12",
	])}
}

test_without_a_base_that_is_known_to_have_it_the_prediction_s_own_remedy_stands if {
	remedies(lacking([], "Debian 12")) == {"repair symbol_version_missing"}
}
