# What `opa inspect --annotations` must say of the policies: every rule tells what it is and what to do about it, and every
# other module what it is. Evaluated with that as input; `complaints` must be empty.
package elfgate.annotations

complaints contains sprintf("%s has no annotation", [package_name]) if {
	some package_name, _ in input.namespaces
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

annotated[package_name] := entry.annotations if {
	some entry in input.annotations
	package_name := concat(".", [part.value | some part in entry.path])
	entry.annotations.scope == "package"
}
