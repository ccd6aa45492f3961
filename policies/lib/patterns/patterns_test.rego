package elfgate.lib.patterns_test

test_a_pattern_without_a_star_is_the_text_itself if {
	data.elfgate.lib.patterns.matches("shop", "shop")
	not data.elfgate.lib.patterns.matches("shop", "shop-2")
}

test_a_star_is_anything_between_a_beginning_and_an_end if {
	data.elfgate.lib.patterns.matches("*", "")
	data.elfgate.lib.patterns.matches("team-*", "team-a")
	data.elfgate.lib.patterns.matches("*-debug", "web-debug")
	data.elfgate.lib.patterns.matches("a*a", "aa")
	not data.elfgate.lib.patterns.matches("team-*", "other")
	not data.elfgate.lib.patterns.matches("a*a", "a")
}
