package elfgate.lib.patterns_test

import data.elfgate.lib.patterns

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

test_a_repository_of_the_default_registry_may_be_named_in_each_of_its_forms if {
	every pattern in ["nginx", "library/nginx", "docker.io/nginx", "docker.io/library/nginx", "docker.io/*", "docker.io/library/*"] {
		patterns.image(pattern, "nginx", "")
	}
	every pattern in ["team/app", "docker.io/team/app", "docker.io/team/*", "docker.io/*"] {
		patterns.image(pattern, "team/app", "")
	}
	patterns.image("docker.io/nginx:1", "nginx", ":1")
}

test_other_registries_are_no_part_of_it if {
	every repository in ["registry.example/nginx", "localhost/nginx", "registry:5000/nginx"] {
		not patterns.image("docker.io/*", repository, "")
		not patterns.image("library/nginx", repository, "")
	}
	not patterns.image("docker.io/library/*", "team/app", "")
}
