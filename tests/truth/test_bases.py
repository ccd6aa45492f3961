"""The table of bases, held against the very packages of Debian that the lab lays out."""

import pytest

from elfgate.bases.table import bases
from elfgate.elf.excerpt import excerpt
from elfgate.elf.read import read
from elfgate.elf.versions import is_numbered, newest_of_each
from lab import debian, roots
from lab.fetched import LabError

pytestmark = pytest.mark.truth

# Before 2.34, some of a release's newest symbols are in libpthread alone.
FAMILIES = {
    "GLIBC": ("libc.so.6", "libm.so.6", "libpthread.so.0"),
    "GLIBCXX": ("libstdc++.so.6",),
    "CXXABI": ("libstdc++.so.6",),
    "GCC": ("libgcc_s.so.1",),
}
ROWS = [
    (variant, architecture)
    for variant in ("debian11", "debian12", "debian13")
    for architecture in roots.ROOTS[variant].architectures
]


@pytest.mark.parametrize(("variant", "architecture"), ROWS)
def test_a_row_has_the_versions_that_its_packages_define(variant: str, architecture: str) -> None:
    if reason := debian.unavailable():
        pytest.skip(reason)
    base = next(each for each in bases() if each.name == f"Debian {variant[-2:]}")
    name = architecture.partition("/")[0]
    if name not in base.architectures:
        pytest.skip(f"{base.name} has no image for {name}")
    try:
        root = roots.build(variant, architecture)
    except LabError as error:
        pytest.skip(str(error))
    folder = root / "usr" / "lib" / debian.MULTIARCH[architecture]
    for family, libraries in FAMILIES.items():
        defined = newest(family, [folder.joinpath(name).read_bytes() for name in libraries])
        assert base.newest(family, name) == defined, (base.name, name, family)


def newest(family: str, libraries: list[bytes]) -> str:
    """The newest version of a family that any of some libraries defines."""
    versions = [
        version for data in libraries for version in read(excerpt(data)).version_definitions
    ]
    of_each = newest_of_each(filter(is_numbered, versions))
    return next(each.partition("_")[2] for each in of_each if each.startswith(f"{family}_"))
