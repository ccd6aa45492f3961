package elfgate.lib.config_test

import data.elfgate.lib.config
import data.elfgate.lib.sample

settings := {
	"rules": {"a": "deny"},
	"unknown": {},
	"notes": {},
	"points": {"pod": {"rules": {"a": "warn"}}},
	"namespaces": {
		"*": {"rules": {"a": "off", "b": "off"}},
		"team-*": {"rules": {"b": "warn"}},
		"team-red": {"rules": {"b": "dryrun"}},
	},
}

in_namespace(name) := object.union(sample.document(["amd64"], []), {"request": {"namespace": name}})

modes(name) := found if {
	found := [config.mode("a"), config.mode("b")] with data.elfgate.config as settings
		with input as in_namespace(name)
}

test_a_namespace_outranks_a_pattern_and_a_longer_pattern_a_shorter_one if {
	modes("shop") == ["off", "off"]
	modes("team-blue") == ["off", "warn"]
	modes("team-red") == ["off", "dryrun"]
}

test_an_unknown_may_be_in_dry_run if {
	found := config.level("deny", "linkage_unknown", "unknown", "not_scanned") with input as in_namespace("shop")
		with data.elfgate.config as object.union(settings, {"unknown": {"not_scanned": "dryrun"}})
	found == "dryrun"
}
