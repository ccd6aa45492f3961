# METADATA
# title: Patterns with one star
# description: >-
#   A beginning and an end around at most one `*`. No regular expressions and no globs: nobody can write one that is slow,
#   and both engines understand it alike.
# custom:
#   looks_at: []
package elfgate.lib.patterns

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
