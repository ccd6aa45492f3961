"""What glibc does with names, preloads, audits, tunables and addresses. T marks what was seen in real starts."""

from typing import Any

import pytest

from elfgate.elf.facts import Load
from elfgate.errors import UnknownReason
from elfgate.linkage.inputs import NodeFacts
from elfgate.linkage.report import Code, Outcome, Prediction
from support import tarball
from support.elf_file import elf_file
from support.image import (
    Files,
    debian,
    failures,
    glibc_program,
    lib,
    library,
    start,
)

NAME = "libfoo.so.1"
OWN = "$ORIGIN/libx.so"
TEXT = tarball.text("no library\n" * 20)
V3 = NodeFacts(cpu_level="x86-64-v3", page_size=4096)


def run(
    files: Files,
    *,
    version: str = "2.36",
    node: NodeFacts | None = None,
    env: dict[str, str] | None = None,
    program: dict[str, Any] | None = None,
    **rest: Any,
) -> Prediction:
    settings = {"needed": [NAME, "libc.so.6"], **(program or {})}
    root = {**debian(version=version), "app/p": glibc_program(**settings), **files}
    return start(root, "/app/p", node=node, env=env or {}, **rest)


@pytest.mark.parametrize("soname", [OWN, "libx.so"])
def test_each_object_has_its_own_library_beside_it(soname: str) -> None:
    """T: a needed name is expanded before it is compared."""
    files: Files = {
        "app/libx.so": tarball.Item("file", elf_file(soname=soname)),
        "app/q/libx.so": tarball.Item("file", elf_file(soname=soname, defined=["g"])),
        "app/q/libb.so": library("libb.so", needed=[OWN], undefined=["g"]),
    }
    needs = {"needed": [OWN, "libb.so", "libc.so.6"], "runpath": "/app/q"}
    assert run(files, program=needs).outcome is Outcome.STARTS
    del files["app/q/libx.so"]  # type: ignore[attr-defined]
    assert failures(run(files, program=needs)) == [Code.LIBRARY_MISSING]


def test_a_version_of_an_unexpanded_name_is_of_nothing_that_is_loaded() -> None:
    """T: an assertion in dl-version.c."""
    versioned = elf_file(soname="libx.so", version_definitions=["V1"], defined=["f"])
    needs = {"needed": [OWN, "libc.so.6"], "version_needs": {OWN: ["V1"]}}
    prediction = run({"app/libx.so": tarball.Item("file", versioned)}, program=needs)
    assert failures(prediction) == [Code.SYMBOL_VERSION_MISSING]


def test_no_token_is_allowed_in_what_a_gaining_program_needs() -> None:
    """T: "DST not allowed in SUID/SGID programs"."""
    app = glibc_program(needed=[OWN, "libc.so.6"])
    files = {**debian(), "app/libx.so": library("libx.so")}
    gaining = tarball.Item("file", app.data, 0o4755)
    settings: dict[str, Any] = {"user": 1000, "no_new_privileges": False}
    prediction = start({**files, "app/p": gaining}, "/app/p", **settings)
    assert failures(prediction) == [Code.LIBRARY_MISMATCH]
    assert "without the token" in prediction.findings[0].remedy
    assert start({**files, "app/p": app}, "/app/p", **settings).outcome is Outcome.STARTS


def unmappable(**options: Any) -> tarball.Item:
    """A library linked for pages of 16 bytes."""
    return library("libbad.so", loads=[Load(0x1010, 0x200020, 16, 16, 16)], **options)


def test_a_preload_that_cannot_be_mapped_brings_nothing_along() -> None:
    """T: "cannot be preloaded (ELF load command address/offset not page-aligned): ignored"."""
    preload = {"LD_PRELOAD": "/app/libbad.so"}
    foo: Files = {lib("amd64", NAME): library(NAME)}
    needy = unmappable(needed=["libnone.so"], undefined=["nowhere"])
    assert run({**foo, "app/libbad.so": needy}, env=preload).outcome is Outcome.STARTS
    listed: Files = {"etc/ld.so.preload": "/app/libbad.so\n"}
    assert run({**foo, **listed, "app/libbad.so": needy}).outcome is Outcome.STARTS
    helping = unmappable(defined=["foo"])
    wants = {"undefined": ["puts", "foo"]}
    prediction = run({**foo, "app/libbad.so": helping}, env=preload, program=wants)
    assert failures(prediction) == [Code.SYMBOL_MISSING]


def test_the_kernels_own_library_has_one_name() -> None:
    """T."""
    for name, outcome in {
        "linux-vdso.so.1": Outcome.STARTS,
        "linux-gate.so.1": Outcome.CANNOT_START,
        "linux-vdso64.so.1": Outcome.CANNOT_START,
    }.items():
        assert run({}, program={"needed": [name, "libc.so.6"]}).outcome is outcome


VDSO, LOADER = "linux-vdso.so.1", "ld-linux-x86-64.so.2"


@pytest.mark.parametrize(
    ("program", "foo", "outcome"),
    [
        ([NAME, "libc.so.6"], [VDSO], Outcome.CANNOT_START),  # … libc, vdso, ld.so
        (["libc.so.6", VDSO], [], Outcome.CANNOT_START),  # libc, vdso, ld.so
        ([LOADER, "libc.so.6", VDSO], [], Outcome.STARTS),
        ([VDSO, NAME, "libc.so.6"], [], Outcome.STARTS),
        ([NAME, LOADER, VDSO, "libc.so.6"], [], Outcome.CANNOT_START),
        ([VDSO, LOADER, "libc.so.6"], [], Outcome.STARTS),
        ([LOADER, VDSO, "libc.so.6"], [], Outcome.STARTS),
    ],
)
def test_the_kernels_own_library_is_not_needed_right_beside_the_loader(
    program: list[str], foo: list[str], outcome: Outcome
) -> None:
    """T: an assertion in rtld.c."""
    files: Files = {lib("amd64", NAME): library(NAME, needed=foo)}
    prediction = run(files, program={"needed": program})
    assert prediction.outcome is outcome
    if failures(prediction):
        assert failures(prediction) == [Code.LIBRARY_MISMATCH]
        assert "--remove-needed" in prediction.findings[0].remedy


@pytest.mark.parametrize("names", [[VDSO, LOADER], [LOADER, VDSO]])
def test_a_preload_comes_between_the_program_and_what_it_needs(names: list[str]) -> None:
    """T."""
    files: Files = {"app/libp.so": library("libp.so")}
    needs = {"needed": [*names, "libc.so.6"]}
    assert run(files, program=needs).outcome is Outcome.STARTS
    preload = {"LD_PRELOAD": "/app/libp.so"}
    assert failures(run(files, program=needs, env=preload)) == [Code.LIBRARY_MISMATCH]


def hwcaps(level: str) -> Files:
    directory = lib("amd64", "glibc-hwcaps")
    return {f"{directory}/{level}/{NAME}": TEXT, lib("amd64", NAME): library(NAME)}


def test_a_tunable_takes_a_cpus_level_away() -> None:
    """T."""
    tuned = {"GLIBC_TUNABLES": "glibc.malloc.check=1:glibc.cpu.hwcaps=-AVX2"}
    assert failures(run(hwcaps("x86-64-v3"), node=V3)) == [Code.LIBRARY_MISMATCH]
    assert run(hwcaps("x86-64-v3"), node=V3, env=tuned).outcome is Outcome.UNKNOWN
    other = {"GLIBC_TUNABLES": "glibc.malloc.check=1"}
    assert run(hwcaps("x86-64-v3"), node=V3, env=other).outcome is Outcome.CANNOT_START


def test_a_tunable_makes_a_process_secure_since_2_40() -> None:
    """T."""
    files: Files = {f"bad/{NAME}": TEXT, lib("amd64", NAME): library(NAME)}
    env = {"LD_LIBRARY_PATH": "/bad", "GLIBC_TUNABLES": "glibc.rtld.enable_secure=1"}
    assert run(files, version="2.41", env=env).outcome is Outcome.STARTS
    assert failures(run(files, version="2.36", env=env)) == [Code.LIBRARY_MISMATCH]


@pytest.mark.parametrize("name", ["LD_AUDIT", "GLIBC_TUNABLES"])
def test_a_variable_that_may_change_the_search_lifts_what_fails(name: str) -> None:
    prediction = run({}, unknown_env=frozenset({name}))
    assert prediction.outcome is Outcome.UNKNOWN
    assert prediction.findings[0].reason is UnknownReason.VALUE_UNKNOWN


@pytest.mark.parametrize(
    ("auditor", "outcome"),
    [
        ({}, Outcome.CANNOT_START),
        ({"opt/a.so": library("a.so")}, Outcome.CANNOT_START),
        ({"opt/a.so": library("a.so", defined=["la_version"])}, Outcome.UNKNOWN),
        ({"opt/a.so": library("a.so", needed=["libmore.so"])}, Outcome.UNKNOWN),
    ],
    ids=["absent", "no la_version", "auditor", "in need"],
)
def test_an_audit_counts_if_its_library_takes_part(auditor: Files, outcome: Outcome) -> None:
    """T."""
    assert run(auditor, env={"LD_AUDIT": "/opt/a.so"}).outcome is outcome


def test_packed_relocations_need_their_version_where_others_are_needed() -> None:
    """T: "DT_RELR without GLIBC_ABI_DT_RELR dependency"."""
    base: dict[str, Any] = {"relr": True, "needed": ["libv.so", "libc.so.6"]}
    versioned = library("libv.so", version_definitions=["V1"])
    of_other = {"libv.so": ["V1"]}

    def outcome(version: str, **options: Any) -> Outcome:
        files: Files = {
            lib("amd64", "libv.so"): versioned,
            lib("amd64", NAME): library(NAME, **{**base, **options}),
        }
        return run(files, version=version).outcome

    assert outcome("2.36", version_needs=of_other) is Outcome.CANNOT_START
    assert outcome("2.36", version_needs={}) is Outcome.STARTS
    assert outcome("2.36", version_needs=of_other, needed=["libv.so"]) is Outcome.STARTS
    assert outcome("2.35", version_needs=of_other) is Outcome.STARTS


def test_a_programs_own_address_of_a_function_satisfies_what_data_refers_to() -> None:
    """T: in other hash tables too."""
    settings: dict[str, Any] = {
        "type": 2,
        "interp": "/lib64/ld-linux-x86-64.so.2",
        "needed": [NAME, "libc.so.6"],
        "undefined": ["puts", ("f", "lazy")],
        "text": b"\x90" * 16,
        "hash_style": "sysv",
    }
    foo: Files = {lib("amd64", NAME): library(NAME, undefined=["f"])}
    plain = {"app/p": tarball.program(elf_file(**settings))}
    assert failures(run({**foo, **plain})) == [Code.SYMBOL_MISSING]
    taken = {"app/p": tarball.program(elf_file(**settings, addressed=["f"]))}
    assert run({**foo, **taken}).outcome is Outcome.STARTS
    called: Files = {lib("amd64", NAME): library(NAME, undefined=[("f", "lazy")], bind_now=True)}
    assert failures(run({**called, **taken})) == [Code.SYMBOL_MISSING]
