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

of_a_pod(controlled) := object.union(sample.document(["amd64"], []), {"request": {
	"kind": "Pod",
	"point": "pod",
	"controlled": controlled,
}})

levels_of(asked, points) := found if {
	found := [
		config.level("deny", "a", "fails", ""),
		config.level("deny", "a", "violates", ""),
		config.level("deny", "linkage_unknown", "unknown", "not_scanned"),
	] with input as asked
		with data.elfgate.config as object.union(settings, {"unknown": {"not_scanned": "deny"}, "points": points})
}

test_a_controllers_pod_is_refused_only_for_what_cannot_start if {
	levels_of(of_a_pod(true), {}) == ["deny", "warn", "warn"]
	levels_of(of_a_pod(false), {}) == ["deny", "deny", "deny"]
}

test_a_workload_that_a_controller_made_is_refused_as_any if {
	replica_set := object.union(of_a_pod(true), {"request": {"kind": "ReplicaSet", "point": "workload"}})
	levels_of(replica_set, {}) == ["deny", "deny", "deny"]
}

capped(level, most) := found if {
	found := config.level(level, "a", "fails", "") with input as in_namespace("shop")
		with data.elfgate.config as object.union(settings, {"most": most})
}

test_nothing_does_more_than_the_most if {
	[capped("deny", most) | some most in ["deny", "warn", "dryrun"]] == ["deny", "warn", "dryrun"]
	[capped("off", most) | some most in ["deny", "warn", "dryrun"]] == ["off", "off", "off"]
}

test_the_most_holds_for_a_rule_that_no_setting_names if {
	laid := object.union(settings, {"most": "dryrun", "namespaces": {}})
	found := config.level(config.mode("of_tomorrow"), "of_tomorrow", "fails", "") with data.elfgate.config as laid
		with input as in_namespace("shop")
	found == "dryrun"
}

test_a_namespace_has_a_most_of_its_own if {
	laid := object.union(settings, {"most": "dryrun", "namespaces": {"shop": {"most": "deny"}}})
	here := config.level("deny", "a", "fails", "") with data.elfgate.config as laid
		with input as in_namespace("shop")
	here == "deny"
	elsewhere := config.level("deny", "a", "fails", "") with data.elfgate.config as laid with input as in_namespace("bank")
	elsewhere == "dryrun"
}

labelled(labels) := object.union(in_namespace("shop"), {"request": {"namespace_labels": labels}})

by_labels := object.union(settings, {"most": "warn", "namespaces": {
	"stage=prod": {"most": "deny"},
	"stage=prod,tier=*": {"most": "dryrun"},
	"gone=": {"most": "dryrun"},
	"bank": {"most": "deny"},
}})

most_of(document) := found if {
	found := config.most with data.elfgate.config as by_labels with input as document
}

test_settings_of_labels_hold_where_the_namespace_has_all_of_them if {
	[most_of(labelled(labels)) | some labels in [
		{"stage": "prod"},
		{"stage": "test"},
		{},
		{"stage": "prod", "tier": "web"},
		{"gone": ""},
		{"gone": "so"},
	]] == ["deny", "warn", "warn", "dryrun", "dryrun", "warn"]
}

test_the_name_of_a_namespace_outranks_its_labels if {
	most_of(object.union(labelled({"stage": "prod", "tier": "web"}), {"request": {"namespace": "bank"}})) == "deny"
}

test_nothing_is_refused_while_labels_are_not_known_by_which_settings_go if {
	most_of(in_namespace("bank")) == "warn"
	found := config.most with data.elfgate.config as object.union(object.remove(by_labels, ["namespaces"]), {"most": "deny", "namespaces": {}})
		with input as in_namespace("bank")
	found == "deny"
}

unheld(mode, effect, reason, setting) := found if {
	found := config.level(mode, "a", effect, reason) with input as in_namespace("shop")
		with data.elfgate.unheld as true
		with data.elfgate.config as object.union(settings, {"most": "dryrun", "unknown": {"not_scanned": setting}})
}

test_unheld_what_warns_or_runs_dry_denies_and_what_is_off_stays_off if {
	[unheld(mode, "fails", "", "warn") | some mode in ["deny", "warn", "dryrun", "off"]] == ["deny", "deny", "deny", "off"]
}

test_unheld_an_unknown_that_runs_dry_denies_and_one_that_warns_goes_on_warning if {
	found := [unheld("dryrun", "unknown", "not_scanned", setting) | some setting in ["deny", "dryrun", "warn", "allow"]]
	found == ["deny", "deny", "warn", "off"]
}

test_unheld_a_note_does_not_deny if {
	unheld("warn", "note", "", "warn") == "dryrun"
}

test_a_command_line_has_settings_of_its_own_over_those_of_the_point if {
	laid := object.union(object.remove(settings, ["namespaces"]), {"namespaces": {}, "points": {"pod": {"rules": {"a": "warn", "b": "warn"}}, "check": {"rules": {"a": "off"}}}})
	asked := of_a_pod(false)
	checked := object.union(asked, {"request": {"checked": true}})
	found := [config.mode("a"), config.mode("b")] with input as checked with data.elfgate.config as laid
	found == ["off", "warn"]
	live := [config.mode("a"), config.mode("b")] with input as asked with data.elfgate.config as laid
	live == ["warn", "warn"]
}

test_the_settings_of_the_point_may_insist if {
	points := {"pod": {"rules": {"a": "deny"}, "unknown": {"not_scanned": "deny"}}}
	levels_of(of_a_pod(true), points) == ["deny", "deny", "deny"]
}
