# What OPA must say of the policies: every rule tells what it is and what to do about it, every other module what it is, and
# all of them what they look at. The input is what `opa inspect --annotations` says (inspected) and the modules as OPA parses
# them (modules): .ci/annotations puts them together. `complaints` must be empty.
package elfgate.annotations

complaints contains sprintf("%s has no annotation", [package_name]) if {
	some package_name, _ in input.inspected.namespaces
	startswith(package_name, "data.elfgate")
	not endswith(package_name, "_test")
	not annotated[package_name]
}

complaints contains sprintf("%s: its annotation lacks %s", [package_name, field]) if {
	some package_name, annotation in annotated
	some field in ["title", "description"]
	object.get(annotation, field, "") == ""
}

complaints contains sprintf("%s: its annotation lacks custom.%s", [package_name, field]) if {
	some package_name, annotation in annotated
	startswith(package_name, "data.elfgate.rules.")
	some field in ["code", "remedy"]
	object.get(annotation, ["custom", field], "") == ""
}

complaints contains sprintf("%s: its annotation is of %s", [package_name, annotation.custom.code]) if {
	some package_name, annotation in annotated
	startswith(package_name, "data.elfgate.rules.")
	package_name != concat(".", ["data.elfgate.rules", annotation.custom.code])
}

complaints contains sprintf("%s: its annotation lacks custom.looks_at", [package_name]) if {
	some package_name, annotation in annotated
	not is_array(object.get(annotation, ["custom", "looks_at"], null))
}

# A module looks at what it says, at what it only says, and no further: neither itself nor by what it imports.
complaints contains sprintf("%s looks at %s, which its annotation does not say", [package_name, look]) if {
	some [package_name, module] in parsed
	some look in looks(module)
	not look in admitted(package_name)
}

complaints contains sprintf("%s looks at %s by way of %s, which its annotation does not say", [package_name, look, imported]) if {
	some [package_name, module] in parsed
	package_name != "data.elfgate.main" # it asks exemptions and support matrices where there are any only
	some imported in imports(module)
	some look in annotated[imported].custom.looks_at
	not look in admitted(package_name)
}

# Only a library or the decision puts into words what it does not decide by.
complaints contains sprintf("%s decides by what its annotation says it only says", [package_name]) if {
	some package_name, annotation in annotated
	startswith(package_name, "data.elfgate.rules.")
	count(object.get(annotation, ["custom", "says"], [])) > 0
}

complaints contains sprintf("%s does more than take the prediction's findings", [package_name]) if {
	some [package_name, module] in parsed
	object.get(annotated, [package_name, "custom", "asks"], "") == "prediction"
	not takes_its_own(module, annotated[package_name].custom.code)
}

complaints contains sprintf("%s only takes the prediction's findings: its annotation lacks asks: prediction", [package_name]) if {
	some [package_name, module] in parsed
	takes_its_own(module, annotated[package_name].custom.code)
	object.get(annotated, [package_name, "custom", "asks"], "") != "prediction"
}

complaints contains sprintf("%s finds something without the setting that its annotation needs", [package_name]) if {
	some [package_name, module] in parsed
	startswith(package_name, "data.elfgate.rules.")
	setting := annotated[package_name].custom.needs
	some rule in module.rules
	rule.head.name == "findings"
	not begins_with(rule.body, setting)
}

annotated[package_name] := entry.annotations if {
	some entry in input.inspected.annotations
	package_name := concat(".", [part.value | some part in entry.path])
	entry.annotations.scope == "package"
}

parsed contains [package_name, module] if {
	some module in input.modules
	package_name := concat(".", [part.value | some part in module.package.path])
}

admitted(package_name) := {look |
	some field in ["looks_at", "says"]
	some look in object.get(annotated[package_name], ["custom", field], [])
}

imports(module) := {concat(".", [part.value | some part in entry.path.value]) | some entry in object.get(module, "imports", [])}

# What a module looks at by the words of its references and of its calls' arguments, wherever they lead.
looks(module) := {look |
	some word in words(module)
	look := {
		"image": "image_names",
		"repository": "image_names",
		"tag": "image_names",
		"digest": "image_names",
		"namespace": "namespaces",
		"variant": "variants",
		"needs_glibc": "variants",
	}[word]
} | {look |
	some path in inputs(module)
	some look in by_path(path)
}

words(module) := {part.value |
	walk(module.rules, [_, node])
	some part in spoken(node)
	part.type == "string"
}

# Of exemptions and support rows the like-named fields are settings, no look at the document.
spoken(node) := array.slice(node.value, 1, count(node.value)) if {
	node.type == "ref"
	not node.value[0].value in {"exemption", "row", "data"}
}

spoken(node) := node.value if node.type == "array"

spoken(node) := array.slice(node.terms, 1, count(node.terms)) if is_array(node.terms)

spoken(node) := array.slice(node.value, 1, count(node.value)) if node.type == "call"

# Each reference to the input by its path; null where that is a variable.
inputs(module) := {array.concat(["input"], [constant(part) | some part in array.slice(node.value, 1, count(node.value))]) |
	walk(module.rules, [_, node])
	node.type == "ref"
	node.value[0].value == "input"
}

constant(part) := part.value if {
	part.type == "string"
} else := null

by_path(path) := {"pod_names"} if {
	path in {["input", "request", "name"], ["input", "request", "owners"]}
} else := {"image_names", "namespaces", "pod_names", "variants"} if {
	count(path) < 2
} else := {"namespaces", "pod_names"} if {
	path[1] == "request"
	not is_string(path[2])
} else := set()

takes_its_own(module, code) if {
	count(module.rules) == 1
	rule := module.rules[0]
	rule.head.name == "findings"
	[part.value | some part in rule.head.value.value] == ["found", "by_code", code]
	[term.value | some expression in rule.body; term := expression.terms] == [true]
	imports(module) == {"data.elfgate.lib.found"}
}

# `count(config.effective.SETTING) > 0` is the first thing that the body asks.
begins_with(body, setting) if {
	terms := body[0].terms
	terms[0].value[0].value == "gt"
	call := terms[1].value
	call[0].value[0].value == "count"
	[part.value | some part in call[1].value] == ["config", "effective", setting]
	terms[2].value == 0
}
