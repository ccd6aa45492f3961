"""What loaders' own files tell of how they search."""

import pytest

from elfgate.elf.excerpt import excerpt
from elfgate.elf.facts import LoaderFacts
from elfgate.elf.read import read
from elfgate.platforms import ARCHITECTURES
from support.elf_file import elf_file, glibc_libc, glibc_loader, multiarch_directories, musl_loader


def loader(data: bytes) -> LoaderFacts | None:
    return read(excerpt(data)).loader


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_glibcs_loader_tells_its_version_and_default_directories(architecture: str) -> None:
    found = loader(glibc_loader(architecture, version="2.41"))
    assert found == LoaderFacts("glibc", "2.41", multiarch_directories(architecture))


@pytest.mark.parametrize(
    "directories", [("/lib64", "/usr/lib64"), ("/nix/store/abc-glibc-2.40-66/lib",)]
)
def test_default_directories_are_those_of_the_distribution_that_built_it(
    directories: tuple[str, ...],
) -> None:
    found = loader(glibc_loader(directories=directories))
    assert found is not None
    assert found.default_directories == directories


def test_default_directories_are_found_behind_bytes_that_are_no_string() -> None:
    found = loader(
        elf_file(soname="ld-linux.so.2", defined=("x",), strings=(b"\x80=/lib/\0/usr/lib/\0",))
    )
    assert found == LoaderFacts("glibc", "", ("/lib", "/usr/lib"))


@pytest.mark.parametrize(
    ("architecture", "fatal", "floor"),
    [
        ("ppc64le", "CPU lacks ISA 3.00 support (POWER9 or later required)", "power9"),
        ("ppc64le", "CPU lacks float128 support (POWER 9 or later required)", "power9"),
        ("s390x", "CPU lacks VXE support (z14 or later required)", "z14"),
        ("amd64", "CPU does not support x86-64-v3", "x86-64-v3"),
    ],
)
def test_a_glibc_built_for_a_cpu_level_tells_it(architecture: str, fatal: str, floor: str) -> None:
    found = loader(glibc_loader(architecture, fatal=fatal))
    assert found is not None
    assert found.cpu_floor == floor


def test_of_several_cpu_levels_the_highest_is_demanded() -> None:
    told = "Fatal glibc error: CPU lacks ISA 3.10 support (POWER10 or later required)\n\0"
    told += "Fatal glibc error: CPU lacks ISA 3.00 support (POWER9 or later required)\n"
    found = loader(
        elf_file("ppc64le", soname="ld64.so.2", defined=("x",), strings=(told.encode(),))
    )
    assert found is not None
    assert found.cpu_floor == "power10"


@pytest.mark.parametrize(
    ("isa_needed", "floor"), [(None, "x86-64-v2"), (3, "x86-64-v2"), (7, "x86-64-v3")]
)
def test_an_x86_message_without_a_number_takes_it_from_the_loaders_own_note(
    isa_needed: int | None, floor: str
) -> None:
    found = loader(glibc_loader(fatal="CPU does not support x86-64-v%d", isa_needed=isa_needed))
    assert found is not None
    assert found.cpu_floor == floor


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_musls_loader_tells_its_version(architecture: str) -> None:
    assert loader(musl_loader(architecture, version="1.2.3")) == LoaderFacts("musl", "1.2.3")


def test_musls_loader_needs_no_soname_and_may_follow_bytes_that_are_no_string() -> None:
    told = (b"musl libc (i386)\nVersion %s\n", b"\xc0\x7f=1.2.5-git-3-gabc")
    assert loader(musl_loader("386", soname=None, strings=told)) == LoaderFacts("musl", "1.2.5")
    assert loader(musl_loader("386", soname="ld-musl-i386.so.1", strings=told)) == LoaderFacts(
        "musl", "1.2.5"
    )


def test_other_files_are_no_loaders() -> None:
    assert loader(glibc_libc()) is None
    assert (
        loader(elf_file(interp="/lib/ld.so", strings=(b"musl libc (x86_64)",), defined=("x",)))
        is None
    )
    assert loader(elf_file(pie=True)) is None
