package elfgate.main_test

import data.elfgate.lib.sample

test_a_pod_that_fails_nowhere_is_not_steered if {
	judged(sample.document(["amd64"], [sample.starts("web", "amd64")]), {}).steer == []
	judged(sample.document(["amd64", "s390x"], [sample.starts("web", "amd64"), unsure("web", "s390x")]), {}).steer == []
}

test_a_pod_that_fails_somewhere_is_steered_to_the_rest if {
	judged(some_fail, {}).steer == ["amd64", "arm64"]
	judged(some_fail, {"require": "all"}).steer == ["amd64", "arm64"]
	judged(sample.document(["ppc64le", "s390x"], [fails("web", "ppc64le"), unsure("web", "s390x")]), {}).steer == ["s390x"]
}

test_a_pod_that_fails_everywhere_is_not_steered if {
	judged(sample.document(["ppc64le"], [fails("web", "ppc64le")]), {}).steer == []
}

test_what_is_only_warned_of_steers_nothing if {
	judged(some_fail, {"rules": {"loader_missing": "warn"}}).steer == []
}
