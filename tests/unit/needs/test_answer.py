"""What a row of the table of bases says of a program's needs."""

import pytest

from elfgate.bases.table import Base, bases
from elfgate.linkage.report import Outcome
from elfgate.needs.answer import Answer, Gives, answer
from elfgate.needs.facts import Library, Needs
from elfgate.platforms import Platform

AMD64 = Platform.parse("linux/amd64")
GLIBC = "/lib64/ld-linux-x86-64.so.2"
MUSL = "/lib/ld-musl-x86_64.so.1"


def by_name(name: str) -> Base:
    return next(base for base in bases() if base.name == name)


def needing(**fields: object) -> Needs:
    given = {"argv": ("/app",), "outcome": Outcome.STARTS, "own": ("/app",), **fields}
    return Needs(**given)  # type: ignore[arg-type]


def asked(name: str, needs: Needs, platform: Platform = AMD64) -> Answer:
    return answer(by_name(name), needs, platform)


def dynamic(*versions: str, libraries: tuple[str, ...] = ("libc.so.6",)) -> Needs:
    wanted = tuple(Library(name) for name in libraries)
    return needing(loaders=(GLIBC,), libraries=wanted, versions=versions)


def test_a_static_program_runs_on_every_base_of_its_architecture() -> None:
    assert all(
        answer(base, needing(), AMD64).gives is Gives.ALL
        for base in bases()
        if "amd64" in base.architectures
    )


def test_a_base_without_the_architecture_gives_nothing() -> None:
    found = asked("Amazon Linux 2023", needing(), Platform.parse("linux/s390x"))
    assert found == Answer(Gives.NOT, "is not published for s390x")


@pytest.mark.parametrize(
    ("name", "gives"), [("Debian 12", Gives.NOT), ("Debian 13", Gives.ALL), ("UBI 10", Gives.ALL)]
)
def test_a_version_is_there_from_its_release_on(name: str, gives: Gives) -> None:
    assert asked(name, dynamic("GLIBC_2.38")).gives is gives


def test_where_a_library_ends_is_said() -> None:
    assert asked("Debian 12", dynamic("GLIBC_2.38")).because == (
        "ends at GLIBC_2.36, not GLIBC_2.38"
    )


def test_the_other_libc_is_not_there() -> None:
    assert asked("Alpine 3.22", dynamic()).gives is Gives.NOT
    assert asked("Debian 12", needing(loaders=(MUSL,))).gives is Gives.NOT
    assert asked("Alpine 3.22", needing(loaders=(MUSL,))).gives is Gives.ALL


def test_a_library_that_the_table_does_not_know_is_unknown_and_named() -> None:
    needs = dynamic("GLIBC_2.17", "FOO_1", libraries=("libc.so.6", "libfoo.so.1"))
    found = asked("Debian 12", needs)
    assert found == Answer(Gives.UNKNOWN, "must have libfoo.so.1 too")


def test_a_certain_lack_outweighs_what_is_not_known() -> None:
    needs = dynamic("GLIBC_2.38", "FOO_1", libraries=("libc.so.6", "libfoo.so.1"))
    assert asked("Debian 12", needs).gives is Gives.NOT


def test_an_image_without_the_compiler_s_libraries_lacks_them() -> None:
    needs = dynamic("GLIBCXX_3.4.30", libraries=("libstdc++.so.6", "libc.so.6"))
    assert asked("distroless base (Debian 13)", needs).because == "has no libstdc++.so.6"
    assert asked("distroless cc (Debian 13)", needs).gives is Gives.ALL


def test_a_musl_of_unknown_release_may_not_do() -> None:
    needs = needing(loaders=(MUSL,), musl="1.2.4")
    assert asked("Alpine 3.22", needs).gives is Gives.ALL
    assert asked("Alpine 3.24", needs).gives is Gives.UNKNOWN
    assert asked("Alpine 3.22", needing(loaders=(MUSL,), musl="1.2.6")).gives is Gives.NOT


def test_a_loader_of_a_store_is_unknown() -> None:
    found = asked("Debian 12", needing(loaders=("/nix/store/x/ld-linux-x86-64.so.2",)))
    assert found.gives is Gives.UNKNOWN


def test_what_is_not_known_of_the_program_is_not_known_of_the_base() -> None:
    assert asked("Debian 12", needing(unknown=("/app is packed",))).gives is Gives.UNKNOWN
    assert asked("Debian 12", needing(own=())).gives is Gives.UNKNOWN
