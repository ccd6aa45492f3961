"""``elfgate compare``: an image beside its update."""

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

from support import founding
from support.elf_file import elf_file, glibc_libc, glibc_loader
from support.oci import Blob, image, index
from support.registry import Registry
from support.tarball import program, tarball

if TYPE_CHECKING:
    import subprocess

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def needs_glibc(version: str) -> Blob:
    """An image whose program needs this version of glibc, and has it."""
    own = elf_file(
        "amd64",
        interp="/lib64/ld-linux-x86-64.so.2",
        needed=["libc.so.6"],
        version_needs={"libc.so.6": [version]},
    )
    layer = tarball(
        {
            "lib64/ld-linux-x86-64.so.2": program(glibc_loader("amd64")),
            "lib/x86_64-linux-gnu/libc.so.6": program(glibc_libc("amd64")),
            "etc/os-release": "ID=debian\nVERSION_ID=12\n",
            "app": program(own),
        }
    )
    return index([image([layer], platform="linux/amd64", entrypoint=["/app"])])


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    only_amd64 = {"1": needs_glibc("GLIBC_2.34"), "2": needs_glibc("GLIBC_2.17")}
    images = {founding.REPOSITORY: founding.images(), "example/app": only_amd64}
    with Registry(images) as serving:
        yield serving


def compare(elfgate: Run, registry: Registry, old: str, new: str, *words: str) -> Any:
    ran = elfgate("compare", registry.reference(old), registry.reference(new), "-o", "json", *words)
    assert ran.stderr == ""
    found = {each["platform"]: each for each in json.loads(ran.stdout)["platforms"]}
    return ran.returncode, found


def test_a_start_that_an_update_loses_fails(elfgate: Run, registry: Registry) -> None:
    server = f"{founding.REPOSITORY}:2"
    code, found = compare(elfgate, registry, f"{server}-debian", f"{server}-alpine")
    assert code == 1
    assert {name: each["change"] for name, each in found.items()} == {
        "linux/amd64": "changed",
        "linux/arm64": "changed",
        "linux/ppc64le": "lost",
        "linux/s390x": "lost",
    }
    assert "has the loader of musl (glibc before)" in found["linux/amd64"]["notes"]
    assert found["linux/ppc64le"]["new"]["findings"][0]["code"] == "loader_missing"


def test_a_start_that_an_update_gains_does_not_fail(elfgate: Run, registry: Registry) -> None:
    server = f"{founding.REPOSITORY}:2"
    code, found = compare(elfgate, registry, f"{server}-alpine", f"{server}-debian")
    assert (code, found["linux/ppc64le"]["change"]) == (0, "gained")


def test_the_same_image_is_the_same(elfgate: Run, registry: Registry) -> None:
    server = f"{founding.REPOSITORY}:2"
    code, found = compare(elfgate, registry, server, server, "--fail-on", "changed")
    assert (code, {each["change"] for each in found.values()}) == (0, {"same"})


def test_a_platform_that_is_not_offered_any_more_is_lost(elfgate: Run, registry: Registry) -> None:
    old, new = (registry.reference(name) for name in (f"{founding.REPOSITORY}:2", "example/app:1"))
    ran = elfgate("compare", old, new)
    assert ran.returncode == 1
    assert "not offered" in ran.stdout
    assert "1 lost" in ran.stdout
    assert elfgate("compare", old, new, "--platform", "amd64").returncode == 0


def test_a_newer_glibc_is_told_and_fails_if_asked_to(elfgate: Run, registry: Registry) -> None:
    names = "example/app:2", "example/app:1"
    code, found = compare(elfgate, registry, *names)
    assert code == 0
    assert found["linux/amd64"]["notes"] == ["needs glibc 2.34 (glibc 2.17 before)"]
    assert compare(elfgate, registry, *names, "--fail-on", "changed")[0] == 1


def test_an_update_in_markdown_is_a_table(elfgate: Run, registry: Registry) -> None:
    server = registry.reference(f"{founding.REPOSITORY}:2")
    ran = elfgate("compare", server, f"{server}-debian", "-o", "markdown")
    assert ran.stdout.startswith("| platform ")


def test_an_image_that_cannot_be_read_is_one_line(elfgate: Run, registry: Registry) -> None:
    server = registry.reference(f"{founding.REPOSITORY}:2")
    ran = elfgate("compare", server, f"{server}-nowhere")
    assert ran.returncode == 2
    assert ran.stderr.count("\n") == 1
