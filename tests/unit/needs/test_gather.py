"""What a program needs from its surroundings, told from real files of every part."""

from typing import Any

from elfgate.linkage.inputs import ImageDefaults, NodeFacts, Overrides
from elfgate.linkage.report import Outcome
from elfgate.needs.facts import Library, Needs
from elfgate.needs.gather import needs_of
from elfgate.platforms import Platform
from elfgate.rootfs.tree import Tree
from support import tarball
from support.image import (
    Files,
    alpine,
    debian,
    glibc_program,
    library,
    musl_program,
    static_program,
)

SHELL = {"bin/sh": static_program()}


def needs(files: Files, *command: str, platform: str = "linux/amd64") -> Needs:
    tree = Tree([tarball.layer(files)])
    return needs_of(
        tree, ImageDefaults(command), Overrides(), Platform.parse(platform), NodeFacts()
    )


def glibc(**options: Any) -> tarball.Item:
    versions = {"libc.so.6": ["GLIBC_2.17", "GLIBC_2.34"]}
    return glibc_program(**{"version_needs": versions, **options})


def test_a_dynamic_program_needs_its_loader_and_the_newest_version_of_each_library() -> None:
    found = needs({**debian(), "opt/app": glibc()}, "/opt/app")
    assert found.outcome is Outcome.STARTS
    assert (found.own, found.loaders) == (("/opt/app",), ("/lib64/ld-linux-x86-64.so.2",))
    (libc,) = found.libraries
    assert (libc.name, libc.versions) == ("libc.so.6", ("GLIBC_2.34",))
    assert libc.path.endswith("/libc.so.6")
    assert (found.newest("GLIBC"), found.libc, found.unknown) == ("2.34", "glibc", ())


def test_without_its_system_the_same_is_told_and_what_lies_beyond_is_said_to_be_unknown() -> None:
    found = needs({"app": glibc(needed=["libc.so.6", "libfoo.so.1"])}, "/app")
    assert found.libraries == (
        Library("libc.so.6", ("GLIBC_2.34",)),
        Library("libfoo.so.1"),
    )
    (sentence,) = found.unknown
    assert sentence.startswith("what is taken beyond this is not known: /app needs the loader")


def test_a_library_that_it_brings_along_is_its_own_and_what_that_needs_counts() -> None:
    own = library("libown.so.1", needed=["libc.so.6"], version_needs={"libc.so.6": ["GLIBC_2.35"]})
    program = glibc(needed=["libown.so.1", "libc.so.6"], runpath="$ORIGIN")
    found = needs({**debian(), "opt/app": program, "opt/libown.so.1": own}, "/opt/app")
    assert found.own == ("/opt/app", "/opt/libown.so.1")
    assert [each.name for each in found.libraries] == ["libc.so.6"]
    assert found.newest("GLIBC") == "2.35"


def test_what_libraries_of_the_system_need_does_not_count() -> None:
    system = library(
        "libsys.so.1", needed=["libc.so.6"], version_needs={"libc.so.6": ["GLIBC_2.36"]}
    )
    program = glibc(needed=["libsys.so.1", "libc.so.6"])
    found = needs({**debian(), "opt/app": program, "usr/lib/libsys.so.1": system}, "/opt/app")
    assert found.newest("GLIBC") == "2.34"
    assert [each.name for each in found.libraries] == ["libsys.so.1", "libc.so.6"]


def test_a_static_program_needs_nothing_but_its_machine() -> None:
    found = needs({"app": static_program()}, "/app")
    assert (found.loaders, found.libraries, found.versions, found.libc) == ((), (), (), "")
    assert found.page_size == 4096


def test_a_script_names_its_interpreter_and_the_programs_of_the_system_that_it_starts() -> None:
    script = tarball.program("#!/bin/sh\nset -e\nexec /opt/app\n")
    found = needs({**SHELL, "run": script, "opt/app": static_program()}, "/run")
    assert found.own == ("/run", "/opt/app")
    assert found.files == ("/bin/sh",)


def test_of_several_ways_that_a_script_may_take_the_needs_of_each_count() -> None:
    script = tarball.program(
        '#!/bin/sh\nif [ "$MODE" = x ]; then exec /opt/one; fi\nexec /opt/two\n'
    )
    files = {**SHELL, **debian(), "run": script, "opt/one": glibc(), "opt/two": static_program()}
    tree = Tree([tarball.layer(files)])
    overrides = Overrides(unknown_env=frozenset({"MODE"}))
    platform = Platform.parse("linux/amd64")
    found = needs_of(tree, ImageDefaults(("/run",)), overrides, platform, NodeFacts())
    assert set(found.own) == {"/run", "/opt/one", "/opt/two"}
    assert found.newest("GLIBC") == "2.34"


def test_musl_has_no_versions_to_tell_a_release_by() -> None:
    found = needs({**alpine(), "app": musl_program()}, "/app")
    assert (found.libc, found.musl, found.newest("GLIBC")) == ("musl", "", "")


def test_the_page_sizes_of_its_platform_are_tried() -> None:
    program = glibc_program("arm64")
    found = needs({"app": program}, "/app", platform="linux/arm64")
    assert found.page_size in (4096, 16384, 65536)


def test_nothing_to_start_is_said_and_nothing_is_its_own() -> None:
    found = needs({}, "/missing")
    assert found.own == ()
    assert found.unknown
