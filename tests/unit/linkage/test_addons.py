"""Native add-ons that no program of an architecture can load."""

import pytest

from elfgate.linkage.addons import foreign_addons, package_of
from elfgate.linkage.inputs import NodeFacts
from elfgate.linkage.report import Code, Effect
from elfgate.platforms import Platform
from elfgate.rootfs.tree import Tree
from elfgate.rootfs.unread import Unread, UnreadError
from support.elf_file import elf_file
from support.tarball import layer, whiteout

MODULES = "app/node_modules"
PACKAGES = "usr/lib/python3.11/site-packages"
PYTHON = "cpython-311-x86_64-linux-gnu.so"


def addon(architecture: str) -> bytes:
    return elf_file(architecture, needed=["libc.so.6"])


def foreign(
    *layers: dict[str, str],
    on: str = "arm64",
    node: NodeFacts | None = None,
    hidden: tuple[str, ...] = (),
) -> list[str]:
    """The paths of the add-ons that are noted, in an image of files of these architectures."""
    files = [{path: addon(built_for) for path, built_for in each.items()} for each in layers]
    tree = Tree([layer(each) for each in files])
    found = foreign_addons(tree, Platform("linux", on), node or NodeFacts(), hidden)
    return [finding.path for finding in found]


@pytest.mark.parametrize(
    "path",
    [
        f"{MODULES}/bcrypt/lib/binding/napi-v3/bcrypt_lib.node",
        f"{MODULES}/@img/sharp-linux-x64/lib/sharp-linux-x64.node",
        f"{MODULES}/bufferutil/prebuilds/linux-x64/bufferutil.node",
        "app/build/Release/own.node",
        f"{PACKAGES}/numpy/core/_multiarray_umath.{PYTHON}",
        f"{PACKAGES}/_cffi_backend.{PYTHON}",
        f"{PACKAGES}/cryptography/hazmat/bindings/_rust.abi3.so",
    ],
)
def test_a_package_of_another_machine_is_noted(path: str) -> None:
    assert foreign({path: "amd64"}) == [f"/{path}"]
    assert foreign({path: "amd64"}, on="amd64") == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            f"{MODULES}/utf-8-validate/prebuilds/linux-x64/validate.node",
            f"{MODULES}/utf-8-validate/prebuilds/linux-arm64/validate.armv8.node",
        ),
        (
            f"{MODULES}/@next/swc-linux-x64-gnu/next-swc.linux-x64-gnu.node",
            f"{MODULES}/@next/swc-linux-arm64-musl/next-swc.linux-arm64-musl.node",
        ),
        (
            f"{MODULES}/lightningcss-linux-x64-gnu/lightningcss.linux-x64-gnu.node",
            f"{MODULES}/lightningcss-linux-arm64-gnu/lightningcss.linux-arm64-gnu.node",
        ),
        ("app/native/x86_64/own.node", "app/native/aarch64/own.node"),
        (
            f"venv-amd64/lib/python3.11/site-packages/numpy/x.{PYTHON}",
            "venv-arm64/lib/python3.11/site-packages/numpy/x.cpython-311-aarch64-linux-gnu.so",
        ),
    ],
)
def test_a_package_that_brings_all_of_its_add_ons_along_is_in_order(one: str, other: str) -> None:
    assert foreign({one: "amd64", other: "arm64"}) == []
    assert foreign({one: "amd64"}, {other: "arm64"}) == []
    assert foreign({one: "amd64", other: "s390x"}) == [f"/{min(one, other)}"]


@pytest.mark.parametrize(
    "path",
    [
        "usr/lib/x86_64-linux-gnu/libz.so",  # a library of another architecture's, for building
        f"{PACKAGES}/debugpy/_vendored/pydevd/attach_linux_amd64.so",  # no module
        f"{MODULES}/fsevents/fsevents.node.map",
    ],
)
def test_what_is_no_add_on_is_not_looked_at(path: str) -> None:
    assert foreign({path: "amd64"}) == []


def test_add_ons_that_the_node_can_run_are_in_order() -> None:
    path = f"{MODULES}/own/own.node"
    assert foreign({path: "386"}, on="amd64") == []
    emulating = NodeFacts(emulates=frozenset({"amd64"}))
    assert foreign({path: "amd64"}, node=emulating) == []


def test_what_is_removed_or_hidden_is_not_there() -> None:
    path = f"{MODULES}/own/own.node"
    tree = Tree([layer({path: addon("amd64")}), layer({whiteout(path): ""})])
    assert list(foreign_addons(tree, Platform("linux", "arm64"), NodeFacts(), ())) == []
    assert foreign({path: "amd64"}, hidden=("/app",)) == []
    assert foreign({path: "amd64"}, hidden=("/ap",)) == [f"/{path}"]


def test_nothing_is_said_of_layers_that_are_not_read() -> None:
    tree = Tree([Unread(), layer({f"{MODULES}/own/own.node": addon("amd64")})])
    with pytest.raises(UnreadError):
        list(foreign_addons(tree, Platform("linux", "arm64"), NodeFacts(), ()))


def test_a_package_of_too_many_files_is_not_judged() -> None:
    files = {f"{MODULES}/large/{number}.node": "amd64" for number in range(17)}
    assert foreign(files) == []


def test_few_packages_are_told_of() -> None:
    files = {f"{MODULES}/each{number}/x.node": "amd64" for number in range(200)}
    assert len(foreign(files)) == 6


def test_it_is_a_note() -> None:
    tree = Tree([layer({"app/own.node": addon("amd64")})])
    (found,) = foreign_addons(tree, Platform("linux", "arm64"), NodeFacts(), ())
    assert (found.code, found.effect) == (Code.ADDON_MISMATCH, Effect.NOTE)
    assert (
        found.message == "/app/own.node is an amd64 ELF file, which programs for arm64 cannot load"
    )


def test_platforms_are_no_part_of_a_packages_name() -> None:
    assert package_of("/a/node_modules/x/node_modules/@img/sharp-linuxmusl-arm64/y.node") == (
        package_of("/b/node_modules/@img/sharp-linux-x64/z.node")
    )


def test_names_are_found_by_their_ending_in_every_directory() -> None:
    files = {"a.so": "", "b/c.so": "", "b/c.so.1": "", "b/d/.so": "", "e/so": "", "f.so/g": ""}
    tree = Tree([layer(files)])
    assert sorted(tree.ending((".so", ".none"))) == ["/a.so", "/b/c.so", "/b/d/.so", "/f.so"]
