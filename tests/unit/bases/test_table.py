"""The shipped table of bases: what each row must say, and what is found in it."""

from datetime import date

from elfgate.bases.offer import called, has, having
from elfgate.bases.table import Base, bases
from elfgate.platforms import ARCHITECTURES

AUTUMN = date(2026, 11, 30)
LATER = date(2029, 1, 1)


def by_name(name: str) -> Base:
    return next(base for base in bases() if base.name == name)


def test_every_row_has_a_source_and_architectures_that_there_are() -> None:
    assert bases()
    for base in bases():
        assert all(source.startswith(("https://", "pkg:")) for source in base.sources), base.name
        assert set(base.architectures) <= set(ARCHITECTURES), base.name
        assert set(base.libgcc) <= set(base.architectures), base.name


def test_names_are_unique_and_releases_of_one_distribution_are_in_order() -> None:
    names = [base.name for base in bases()]
    assert len(set(names)) == len(names)
    for family in {base.family for base in bases()}:
        days = [base.released for base in bases() if base.family == family and base.released]
        assert days == sorted(days)


def test_of_each_distribution_the_oldest_release_that_is_supported_is_named() -> None:
    named = having(["GLIBC_2.38"], "amd64", AUTUMN)
    assert named[:3] == ("Debian 13", "Ubuntu 24.04", "UBI 10")


def test_a_release_is_not_named_after_its_end_or_for_an_architecture_that_it_lacks() -> None:
    assert "Debian 12" in having(["GLIBC_2.36"], "amd64", AUTUMN)
    assert "Debian 12" not in having(["GLIBC_2.36"], "amd64", LATER)
    assert "Debian 12" not in having(["GLIBC_2.36"], "s390x", AUTUMN)


def test_all_versions_must_be_there() -> None:
    both = ["GLIBC_2.31", "GLIBCXX_3.4.32"]
    assert has(by_name("Debian 13"), both, "amd64")
    assert not has(by_name("Debian 12"), both, "amd64")
    assert not has(by_name("distroless base (Debian 13)"), both, "amd64")


def test_a_version_that_the_table_does_not_know_is_of_no_base() -> None:
    for strange in (
        "GLIBC_PRIVATE",
        "GLIBC_ABI_DT_RELR",
        "FOO_1.0",
        "GLIBC_",
        "GLIBC_²",
        "GLIBC_1.2.3.4.5",
    ):
        assert having([strange], "amd64", AUTUMN) == ()
    assert having([], "amd64", AUTUMN) == ()


def test_musl_defines_no_version_of_glibc() -> None:
    assert not has(by_name("Alpine 3.22"), ["GLIBC_2.17"], "amd64")


def test_sles_has_glibc_2_38_on_all_of_its_architectures() -> None:
    sles = by_name("SLES 15 SP7")
    for architecture in ("amd64", "arm64", "ppc64le", "s390x"):
        assert has(sles, ["GLIBC_2.38"], architecture)
        assert not has(sles, ["GLIBC_2.39"], architecture)
    assert not has(sles, ["GLIBCXX_3.4.30"], "amd64")  # which is not known


def test_an_image_s_own_base_is_found_by_its_os_release() -> None:
    assert called("sles", "15.7") == "SLES 15 SP7"
    assert called("debian", "12") == "Debian 12"
    assert called("rhel", "9.4") == "UBI 9"
    assert called("alpine", "3.22.1") == "Alpine 3.22"
    assert called("debian", "1") == called("plan9", "4") == called("debian", "") == ""


def test_leap_is_named_where_its_images_are_built_though_nobody_measured_it_there() -> None:
    leap = by_name("openSUSE Leap 16.0")
    assert has(leap, ["GLIBC_2.38"], "s390x")
    assert not has(leap, ["GCC_3.0"], "s390x")  # which is not known
