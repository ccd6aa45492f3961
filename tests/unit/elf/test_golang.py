"""Build information of Go programs: debug/buildinfo. T marks what was also seen of the compiler's own files."""

import pytest

from elfgate.elf.excerpt import excerpt
from elfgate.elf.read import read
from elfgate.linkage.inputs import NodeFacts
from elfgate.linkage.report import Code, Effect, Outcome, Prediction
from support import tarball
from support.elf_file import EXIT_0, elf_file
from support.image import failures, start


def build_information(*settings: str, flags: int = 2, modules: int = 3) -> bytes:
    """What the linker writes: a header, Go's version, the modules and the settings, between two marks of 16 bytes."""
    lines = [
        "path\texample.test/x",
        *["dep\texample.test/y\tv1.2.3\th1:x="] * modules,
        *settings,
        "",
    ]
    module = b"0" * 16 + "\n".join(lines).encode() + b"1" * 16
    strings = b"".join(_varint(len(text)) + text for text in (b"go1.26.8", module))
    return b"\xff Go buildinf:" + bytes((8, flags)) + bytes(16) + strings


def _varint(value: int) -> bytes:
    low = bytes(((value & 0x7F) | 0x80,)) if value > 0x7F else b""
    return low + _varint(value >> 7) if low else bytes((value,))


def level(data: bytes, on: str = "amd64", **options: object) -> str:
    file = elf_file(on, **{"type": 2, "text": EXIT_0, "data": data, **options})
    return read(excerpt(file)).runtime_level


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("build\tGOAMD64=v1", ""),
        ("build\tGOAMD64=v2", "x86-64-v2"),
        ("build\tGOAMD64=v4", "x86-64-v4"),
        ("build\tGOPPC64=power8", ""),
        ("build\tGOPPC64=power10", "power10"),
        ("build\tCGO_ENABLED=0", ""),
        ("dep\tGOAMD64=v3", ""),
    ],
)
def test_the_level_is_among_the_settings(setting: str, expected: str) -> None:
    """T."""
    data = bytes(48) + build_information(
        "build\t-compiler=gc", setting, "build\tGOOS=linux", modules=400
    )
    assert level(data) == expected


@pytest.mark.parametrize(
    "data",
    [
        build_information(
            "build\tGOAMD64=v3", flags=0
        ),  # before Go 1.18: pointers, and no settings
        build_information("build\tGOAMD64=v3")[:20],
        build_information("build\tGOAMD64=v3")[:32] + b"\xff" * 64,
        build_information()[:-16] + b"\nbuild\tGOAMD64=v3\n" * 8,  # behind its end
        bytes(70_000) + build_information("build\tGOAMD64=v3"),  # further than Go itself looks
        b"\nbuild\tGOAMD64=v3\n",
    ],
)
def test_what_is_no_build_information_tells_nothing(data: bytes) -> None:
    assert level(data) == ""


def test_of_a_library_it_is_not_asked() -> None:
    assert (
        level(build_information("build\tGOAMD64=v3"), type=3, soname="libx.so", defined=("a",))
        == ""
    )


def started(cpu: str | None, on: str = "amd64", setting: str = "GOAMD64=v3") -> Prediction:
    program = elf_file(on, type=2, text=EXIT_0, data=build_information(f"build\t{setting}"))
    return start({"x": tarball.program(program)}, "/x", on=on, node=NodeFacts(cpu_level=cpu))


def test_a_program_for_a_higher_level_does_not_start() -> None:
    """T."""
    assert failures(started("x86-64-v2")) == [Code.CPU_LEVEL]
    assert started("x86-64-v3").findings == ()


def test_where_the_nodes_level_is_not_known_it_is_a_note() -> None:
    prediction = started(None)
    assert prediction.outcome is Outcome.STARTS
    assert [(finding.code, finding.effect) for finding in prediction.findings] == [
        (Code.CPU_LEVEL, Effect.NOTE)
    ]


def test_on_power_it_is_only_a_doubt_beyond_power9_as_nobody_looks() -> None:
    """T: it dies of SIGILL, for power9 in what every program begins with."""
    assert started("power9", "ppc64le", "GOPPC64=power10").outcome is Outcome.UNKNOWN
    assert started("power8", "ppc64le", "GOPPC64=power9").outcome is Outcome.CANNOT_START
    assert started("power10", "ppc64le", "GOPPC64=power10").findings == ()


def test_a_variant_of_arm_is_the_level_of_its_cpus() -> None:
    """T."""
    program = {
        "x": tarball.program(
            elf_file("arm", type=2, text=EXIT_0, data=build_information("build\tGOARM=7"))
        )
    }
    assert failures(start(program, "/x", on="linux/arm/v6")) == [Code.CPU_LEVEL]
    assert start(program, "/x", on="linux/arm/v7").findings == ()
    assert start(program, "/x", on="arm").findings == ()
