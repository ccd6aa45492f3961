# METADATA
# title: Patterns with one star
# description: >-
#   A beginning and an end around at most one `*`. No regular expressions and no globs: nobody can write one that is slow,
#   and both engines understand it alike.
# custom:
#   looks_at: []
package elfgate.lib.patterns

# Whether a pattern is one of a repository, with what its image's name has after it. Of the default registry's
# repositories a pattern may have the whole name, as `docker.io/library/nginx`, or a part of it.
image(pattern, repository, suffix) if matches(pattern, concat("", [repository, suffix]))

image(pattern, repository, suffix) if {
	startswith(pattern, "docker.io/")
	default_registry(repository)
	matches(trim_prefix(pattern, "docker.io/"), concat("", [repository, suffix]))
}

image(pattern, repository, suffix) if {
	not contains(repository, "/")
	rest := trim_prefix(pattern, "docker.io/")
	startswith(rest, "library/")
	matches(rest, concat("", ["library/", repository, suffix]))
}

# A name without a host before its first slash (distribution/reference).
default_registry(repository) if not contains(repository, "/")

default_registry(repository) if {
	first := split(repository, "/")[0]
	first != "localhost"
	not contains(first, ".")
	not contains(first, ":")
}

matches(pattern, text) if {
	parts := split(pattern, "*")
	count(parts) == 1
	text == pattern
}

matches(pattern, text) if {
	parts := split(pattern, "*")
	count(parts) == 2
	startswith(text, parts[0])
	endswith(text, parts[1])
	count(text) >= count(parts[0]) + count(parts[1])
}
