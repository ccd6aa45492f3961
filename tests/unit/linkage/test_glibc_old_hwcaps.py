"""Sub-directories for CPUs before glibc 2.37 (``_dl_important_hwcaps``). T: seen in real starts too."""

from typing import Any

import pytest

from elfgate.linkage.report import Code, Outcome, Prediction
from support import tarball
from support.image import Files, debian, failures, glibc_program, lib, library, start
from support.ldcache import ld_so_cache

NAME = "libfoo.so.1"
TEXT = tarball.text("no library\n" * 20)
PLAIN = lib("amd64", NAME)


def started(files: Files, version: str = "2.36", **program: Any) -> Prediction:
    app = glibc_program(needed=[NAME, "libc.so.6"], undefined=["puts", "foo"], **program)
    return start({**debian(version=version), **files, "app/p": app}, "/app/p")


def good() -> tarball.Item:
    return library(NAME, defined=["foo"])


@pytest.mark.parametrize("where", ["tls", "x86_64", "tls/x86_64"])
@pytest.mark.parametrize("plain", [TEXT, library(NAME)], ids=["text", "no symbol"])
def test_what_every_cpu_finds_there_comes_before_the_plain_one(
    where: str, plain: tarball.Item
) -> None:
    """T."""
    below = lib("amd64", f"{where}/{NAME}")
    assert started({PLAIN: plain, below: good()}).outcome is Outcome.STARTS
    assert started({PLAIN: good(), below: TEXT}).outcome is Outcome.CANNOT_START
    assert started({PLAIN: good(), below: TEXT}, "2.37").outcome is Outcome.STARTS
    in_path: Files = {f"opt/{NAME}": plain, f"opt/{where}/{NAME}": good()}
    assert started(in_path, runpath="/opt").outcome is Outcome.STARTS


@pytest.mark.parametrize("where", ["haswell", "xeon_phi", "avx512_1", "tls/haswell/x86_64"])
def test_what_only_some_cpus_find_is_not_decided(where: str) -> None:
    below = lib("amd64", f"{where}/{NAME}")
    assert started({PLAIN: TEXT, below: good()}).outcome is Outcome.UNKNOWN
    assert started({below: good()}).outcome is Outcome.UNKNOWN
    assert started({PLAIN: good(), below: TEXT}).outcome is Outcome.STARTS


def cache(*rows: tuple[str, int]) -> bytes:
    """A cache with these paths of the library and the bits that an old ldconfig noted for each."""
    data = bytearray(ld_so_cache("amd64", [(NAME, path) for path, _ in rows]))
    for number, (_, bits) in enumerate(rows):
        data[48 + 24 * number + 16 : 48 + 24 * number + 24] = bits.to_bytes(8, "little")
    return bytes(data)


TLS, X86_64, XEON_PHI = 1 << 63, 1 << 1, 1 << 51


def test_a_cache_entry_for_what_every_cpu_has_comes_before_the_plain_one() -> None:
    """T."""
    for bits in (TLS, X86_64, TLS | X86_64):
        rows = cache((f"/opt/tls/{NAME}", bits), (f"/opt/{NAME}", 0))
        files: Files = {"etc/ld.so.cache": rows, f"opt/tls/{NAME}": good(), f"opt/{NAME}": TEXT}
        assert started(files).outcome is Outcome.STARTS
        files = {**files, f"opt/tls/{NAME}": TEXT, f"opt/{NAME}": good()}
        assert failures(started(files)) == [Code.LIBRARY_MISMATCH]


def test_a_cache_entry_for_a_rare_cpu_is_not_taken() -> None:
    """T: the search goes on with the default directories."""
    rows: Files = {"etc/ld.so.cache": cache((f"/opt/{NAME}", XEON_PHI)), f"opt/{NAME}": TEXT}
    assert started({**rows, PLAIN: good()}).outcome is Outcome.STARTS
    assert started(rows).outcome is Outcome.UNKNOWN


def test_a_cache_entry_for_levels_of_another_architecture_is_not_taken() -> None:
    """T."""
    row = (NAME, f"/opt/{NAME}", "x86-64-v3")
    app = glibc_program("arm64", needed=[NAME, "libc.so.6"])
    files = {
        **debian("arm64"),
        "etc/ld.so.cache": ld_so_cache("arm64", [row]),
        f"opt/{NAME}": TEXT,
        lib("arm64", NAME): library(NAME, "arm64"),
        "app/p": app,
    }
    assert start(files, "/app/p", on="arm64").outcome is Outcome.STARTS
