"""What else of an image would fail, for people."""

import pytest

from elfgate.linkage.inputs import ImageDefaults
from elfgate.linkage.report import Code
from elfgate.linkage.survey import survey
from elfgate.platforms import Platform
from elfgate.rootfs.tree import Tree
from support.elf_file import elf_file, glibc_libc, glibc_loader
from support.tarball import layer, link, program

LIBRARIES = "usr/lib/x86_64-linux-gnu"
LOADER = "/lib64/ld-linux-x86-64.so.2"
TREE = Tree(
    [
        layer(
            {
                "lib64/ld-linux-x86-64.so.2": program(glibc_loader()),
                f"{LIBRARIES}/libc.so.6": program(glibc_libc()),
                "bin/sound": program(elf_file(interp=LOADER, needed=["libc.so.6"])),
                "bin/lacking": program(elf_file(interp=LOADER, needed=["libnone.so.1"])),
                "bin/again": link("lacking"),
                "bin/script": program("#!/bin/none\n"),
                "bin/foreign": program(elf_file("s390x", type=2)),
                "app/sound.node": elf_file(needed=["libc.so.6"], undefined=["napi_create_object"]),
                "app/lacking.node": elf_file(needed=["libgone.so.3"]),
                "app/data": "no program",
            }
        )
    ]
)


def surveyed() -> dict[str, list[Code]]:
    found = survey(TREE, ImageDefaults(), Platform("linux", "amd64"))
    return {each.path: [finding.code for finding in each.findings] for each in found}


def test_programs_scripts_and_plugins_that_would_fail_are_listed_once() -> None:
    assert surveyed() == {
        "/bin/lacking": [Code.LIBRARY_MISSING],
        "/bin/script": [Code.SCRIPT_INTERPRETER_MISSING],
        "/bin/foreign": [Code.EXEC_FORMAT],
        "/app/lacking.node": [Code.LIBRARY_MISSING],
    }


def test_a_plugin_takes_symbols_from_whoever_loads_it() -> None:
    assert "/app/sound.node" not in surveyed()


def test_a_library_that_the_user_says_is_injected_is_not_missing() -> None:
    found = survey(TREE, ImageDefaults(), Platform("linux", "amd64"), injected=["libgone.so*"])
    assert "/app/lacking.node" not in {each.path for each in found}


@pytest.mark.parametrize(
    ("path", "is_told"),
    [
        ("app/node_modules/x/build/sound.node", True),
        ("usr/lib/python3/dist-packages/x.cpython-311-x86_64-linux-gnu.so", True),
        ("opt/venv/lib/python3.11/site-packages/numpy.libs/libopenblas.so", True),
        ("app/node_modules/x/prebuilds/linux-arm64/x.node", False),
        ("usr/lib/aarch64-linux-gnu/libx.so", False),
    ],
)
def test_an_addon_of_another_machine_is_listed(path: str, is_told: bool) -> None:
    tree = Tree([layer({path: elf_file("arm64", needed=["libc.so.6"])})])
    found = [
        (each.path, finding.message)
        for each in survey(tree, ImageDefaults(), Platform("linux", "amd64"))
        for finding in each.findings
    ]
    message = f"/{path} is an arm64 ELF file, which programs for amd64 cannot load"
    assert found == ([(f"/{path}", message)] if is_told else [])
