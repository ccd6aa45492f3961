package elfgate.lib.own_test

least := {"container": "web", "platform": "linux/amd64", "message": "no"}

test_the_least_is_filled_in if {
	data.elfgate.lib.own.completed({least}) == {{
		"container": "web",
		"platform": "linux/amd64",
		"message": "no",
		"position": 3000,
		"effect": "violates",
		"reason": "",
		"remedy": "",
	}}
	not data.elfgate.lib.own.malformed({least})
}

test_less_than_that_is_no_finding if {
	every finding in [
		"no",
		object.remove(least, ["container"]),
		object.union(least, {"message": 1}),
		object.union(least, {"effect": "explodes"}),
		object.union(least, {"position": "first"}),
		object.union(least, {"image": 3}),
	] {
		data.elfgate.lib.own.completed({finding}) == set()
		data.elfgate.lib.own.malformed({finding})
	}
}
