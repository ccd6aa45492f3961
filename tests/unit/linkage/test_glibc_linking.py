"""What glibc demands of what it has loaded: versions (dl-version.c), symbols (dl-reloc.c), CPU levels, kernels."""

from typing import Any

import pytest

from elfgate.linkage.inputs import NodeFacts
from elfgate.linkage.report import Code, Effect, Outcome, Prediction
from support import tarball
from support.elf_file import glibc_libc, glibc_loader
from support.image import Files, debian, failures, glibc_program, lib, library, start, words

FOO = lib("amd64", "libfoo.so.1")


def run(
    program: tarball.Item,
    files: dict[str, tarball.Item] | None = None,
    version: str = "2.36",
    **rest: Any,
) -> Prediction:
    return start({**debian(version=version), **(files or {}), "app": program}, "/app", **rest)


def needing(versions: object, **options: Any) -> tarball.Item:
    return glibc_program(version_needs=versions, **options)


def test_a_version_that_the_library_defines_is_fine() -> None:
    assert run(needing({"libc.so.6": ["GLIBC_2.34"]})).outcome is Outcome.STARTS


def test_a_version_that_the_library_does_not_define_fails_with_where_it_ends() -> None:
    prediction = run(needing({"libc.so.6": ["GLIBC_2.17", "GLIBC_2.38", "GLIBC_2.39"]}))
    assert failures(prediction) == [Code.SYMBOL_VERSION_MISSING]
    assert words(prediction) == (
        "/app needs GLIBC_2.39, GLIBC_2.38 of libc.so.6,"
        " but /lib/x86_64-linux-gnu/libc.so.6 (glibc 2.36) ends at GLIBC_2.36"
    )


def test_the_newest_version_of_each_family_is_what_a_base_must_have() -> None:
    (finding,) = run(needing({"libc.so.6": ["GLIBC_2.38", "GLIBC_2.9999", "ODD_9"]})).findings
    assert set(finding.versions) == {"ODD_9", "GLIBC_2.9999"}


def test_a_weak_version_may_be_missing() -> None:
    assert run(needing({"libc.so.6": [("GLIBC_2.99", "weak")]})).outcome is Outcome.STARTS


def test_a_library_without_versions_is_taken_as_it_is() -> None:
    """ "no version information available", as with a libcurl built otherwise."""
    foo = library(
        "libfoo.so.1",
        version_needs={"libc.so.6": ["GLIBC_2.17"]},
        needed=["libc.so.6"],
        defined=["foo"],
    )
    program = needing(
        {"libfoo.so.1": ["FOO_1"]}, needed=["libfoo.so.1", "libc.so.6"], undefined=["foo"]
    )
    assert run(program, {FOO: foo}).outcome is Outcome.STARTS


def test_what_a_library_needs_of_another_is_checked_too() -> None:
    foo = library("libfoo.so.1", needed=["libc.so.6"], version_needs={"libc.so.6": ["GLIBC_2.38"]})
    prediction = run(glibc_program(needed=["libfoo.so.1", "libc.so.6"]), {FOO: foo})
    assert failures(prediction) == [Code.SYMBOL_VERSION_MISSING]
    assert "/lib/x86_64-linux-gnu/libfoo.so.1 needs GLIBC_2.38" in words(prediction)


def test_a_version_of_a_file_that_nothing_loads_ends_the_start() -> None:
    """T: "Assertion `needed != NULL' failed"; a weak one too."""
    assert failures(run(needing({"libgone.so.1": ["X_1"]}))) == [Code.SYMBOL_VERSION_MISSING]
    assert failures(run(needing({"libgone.so.1": [("X_1", "weak")]}))) == [
        Code.SYMBOL_VERSION_MISSING
    ]
    unknown = run(needing({"libgone.so.1": ["X_1"]}), unknown_env=frozenset({"LD_PRELOAD"}))
    assert unknown.outcome is Outcome.UNKNOWN


def test_relative_relocations_need_their_version() -> None:
    """GLIBC_ABI_DT_RELR, from 2.36 on."""
    program = needing({"libc.so.6": ["GLIBC_ABI_DT_RELR"]}, relr=True)
    assert run(program, version="2.36").outcome is Outcome.STARTS
    assert failures(run(program, version="2.35")) == [Code.SYMBOL_VERSION_MISSING]


def test_a_missing_symbol_ends_the_start_where_binding_is_not_lazy() -> None:
    """T: "symbol lookup error: undefined symbol"."""
    assert failures(run(glibc_program(undefined=["gone"]))) == [Code.SYMBOL_MISSING]
    assert failures(run(glibc_program(undefined=[("gone", "lazy")], bind_now=True))) == [
        Code.SYMBOL_MISSING
    ]
    lazy = glibc_program(undefined=[("gone", "lazy")])
    assert failures(run(lazy, env={"LD_BIND_NOW": "1"})) == [Code.SYMBOL_MISSING]


def test_a_missing_function_that_is_bound_lazily_is_noted() -> None:
    """T: it starts, and dies at the first call."""
    prediction = run(glibc_program(undefined=[("gone", "lazy")]))
    assert [(finding.code, finding.effect) for finding in prediction.findings] == [
        (Code.SYMBOL_MISSING, Effect.NOTE)
    ]


def test_weak_and_unreferenced_symbols_may_be_missing() -> None:
    assert not run(glibc_program(undefined=[("gone", "weak"), ("unused", "unreferenced")])).findings


def test_a_symbol_may_come_from_any_loaded_object_the_program_and_the_loader_included() -> None:
    foo = library(
        "libfoo.so.1", undefined=["callback", "__tls_get_addr", "puts"], needed=["libc.so.6"]
    )
    program = glibc_program(needed=["libfoo.so.1", "libc.so.6"], defined=["callback"])
    assert run(program, {FOO: foo}).outcome is Outcome.STARTS


def test_a_symbol_may_come_from_a_preload() -> None:
    files = {"opt/pre.so": library("pre.so", defined=["gone"])}
    program = glibc_program(undefined=["gone"])
    assert run(program, files, env={"LD_PRELOAD": "/opt/pre.so"}).outcome is Outcome.STARTS


def test_a_symbol_that_an_unknown_preload_might_bring_is_unknown() -> None:
    prediction = run(glibc_program(undefined=["gone"]), unknown_env=frozenset({"*"}))
    assert prediction.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("where", ["program", "library"])
def test_an_isa_note_of_any_object_is_held_against_the_cpu(where: str) -> None:
    """T: "CPU ISA level is lower than required", from 2.33 on."""
    v3 = 1 | 2 | 4
    program = glibc_program(
        isa_needed=v3 if where == "program" else 1, needed=["libfoo.so.1", "libc.so.6"]
    )
    files = {FOO: library("libfoo.so.1", isa_needed=v3 if where == "library" else 1)}
    assert failures(run(program, files, node=NodeFacts(cpu_level="x86-64-v2"))) == [Code.CPU_LEVEL]
    assert not run(program, files, node=NodeFacts(cpu_level="x86-64-v3")).findings
    unknown = run(program, files)
    assert [(finding.code, finding.effect) for finding in unknown.findings] == [
        (Code.CPU_LEVEL, Effect.NOTE)
    ]
    assert not run(program, files, version="2.31", node=NodeFacts(cpu_level="x86-64-v2")).findings


FLOORS = [
    ("amd64", "CPU does not support x86-64-v%d", "x86-64-v1"),
    ("ppc64le", "CPU lacks ISA 3.00 support (POWER9 or later required)", "power8"),
    ("s390x", "CPU lacks VXE support (z14 or later required)", "z13"),
]


@pytest.mark.parametrize(("on", "fatal", "lower"), FLOORS)
def test_a_glibc_built_for_a_cpu_level_starts_nothing_on_lower_ones(
    on: str, fatal: str, lower: str
) -> None:
    files = {**debian(on), "app": glibc_program(on)}
    files[
        next(
            path
            for path in files
            if path.rpartition("/")[2].startswith("ld") and "-linux-gnu" in path
        )
    ] = tarball.program(glibc_loader(on, fatal=fatal))
    assert failures(start(files, "/app", on=on, node=NodeFacts(cpu_level=lower))) == [
        Code.CPU_LEVEL
    ]
    assert start(files, "/app", on=on).outcome is Outcome.STARTS


def test_a_glibc_that_wants_a_newer_kernel_starts_nothing_up_to_2_35() -> None:
    """ "FATAL: kernel too old"."""
    loader = tarball.program(glibc_loader(version="2.31", abi_tag=(3, 2, 0)))
    files = {lib("amd64", "ld-linux-x86-64.so.2"): loader}
    assert failures(run(glibc_program(), files, node=NodeFacts(kernel=(2, 6, 32)))) == [
        Code.KERNEL_TOO_OLD
    ]
    assert not run(glibc_program(), files, node=NodeFacts(kernel=(4, 18, 0))).findings
    assert not run(glibc_program(), files).findings


def test_a_libc_of_another_architecture_is_skipped_and_so_missing() -> None:
    files = {lib("amd64", "libc.so.6"): tarball.program(glibc_libc("arm64"))}
    prediction = run(glibc_program(), files)
    assert failures(prediction) == [Code.LIBRARY_MISSING]
    assert "is an arm64 ELF file" in words(prediction)


def test_a_loop_of_libraries_ends() -> None:
    files = {
        FOO: library("libfoo.so.1", needed=["libbar.so.1"]),
        "lib/libbar.so.1": library("libbar.so.1", needed=["libfoo.so.1"]),
    }
    assert run(glibc_program(needed=["libfoo.so.1", "libc.so.6"]), files).outcome is Outcome.STARTS
    assert all(
        finding.effect is not Effect.FAILS for finding in run(glibc_program(), files).findings
    )


def test_a_variable_that_is_copied_must_come_from_another_object() -> None:
    program = glibc_program(undefined=[("environ", "copied")])
    assert failures(run(program)) == [Code.SYMBOL_MISSING]
    libc = tarball.program(glibc_libc(defined=["environ", "__libc_early_init"]))
    assert run(program, {lib("amd64", "libc.so.6"): libc}).outcome is Outcome.STARTS


@pytest.mark.parametrize(
    ("mark", "outcome"), [((), Outcome.CANNOT_START), (("lazy",), Outcome.STARTS)]
)
def test_a_library_without_any_symbol_versions_ends_on_an_assertion(
    mark: tuple[str, ...], outcome: Outcome
) -> None:
    """T: check_match; a library that needs versions itself has a DT_VERSYM, and is taken with a warning."""
    program = needing(
        {"libfoo.so.1": ["FOO_1"]}, needed=["libfoo.so.1", "libc.so.6"], undefined=[("foo", *mark)]
    )
    prediction = run(program, {FOO: library("libfoo.so.1", defined=["foo"])})
    assert prediction.outcome is outcome
    if outcome is Outcome.CANNOT_START:
        assert failures(prediction) == [Code.SYMBOL_VERSION_MISSING]
    now = run(program, {FOO: library("libfoo.so.1", defined=["foo"])}, env={"LD_BIND_NOW": "1"})
    assert failures(now) == [Code.SYMBOL_VERSION_MISSING]


def test_glibc_2_41_takes_a_library_without_any_symbol_versions() -> None:
    """T: the assertion is gone."""
    files = {**debian(version="2.41"), FOO: library("libfoo.so.1", defined=["foo"])}
    program = needing(
        {"libfoo.so.1": ["FOO_1"]}, needed=["libfoo.so.1", "libc.so.6"], undefined=["foo"]
    )
    assert start({**files, "app": program}, "/app").outcome is Outcome.STARTS


def test_the_newest_glibc_that_is_needed_is_told_by_numbers_and_without_glibcs_own_needs() -> None:
    foo = library("libfoo.so.1", version_needs={"libc.so.6": ["GLIBC_2.4"]})
    program = needing(
        {"libc.so.6": ["GLIBC_2.17", "GLIBC_2.9", "GLIBC_PRIVATE"]},
        needed=["libfoo.so.1", "libc.so.6"],
    )
    assert run(program, {FOO: foo}).needs_glibc == (2, 17)
    assert run(needing({"libc.so.6": ["GLIBC_2.17", "GLIBC_2.99"]})).needs_glibc == (2, 99)


@pytest.mark.parametrize(
    ("number", "fails"), [(2, False), (3, True), (0x8003, True), (0x8002, False)]
)
def test_a_symbol_is_taken_in_the_version_that_is_wanted(number: int, fails: bool) -> None:
    """T: "undefined symbol: foo, version FOO_1", though the library defines both the version and the symbol."""
    foo = library(
        "libfoo.so.1",
        version_definitions=["FOO_1", "FOO_2"],
        defined=["foo"],
        numbers={"foo": number},
    )
    needs = {"libfoo.so.1": ["FOO_1"]}
    names = ["libfoo.so.1", "libc.so.6"]
    program = glibc_program(
        needed=names, undefined=["foo"], version_needs=needs, numbers={"foo": 32}
    )
    assert failures(run(program, {FOO: foo})) == [Code.SYMBOL_MISSING] * fails


def test_packed_relocations_that_nothing_at_the_start_needs_are_worth_a_note_before_2_36() -> None:
    """T."""
    program = glibc_program(needed=["libfoo.so.1", "libc.so.6"])
    idle, vital = (
        library("libfoo.so.1", relr=True),
        library("libfoo.so.1", relr=True, init_array=True),
    )
    assert run(program, {FOO: idle}, version="2.35").outcome is Outcome.STARTS
    assert failures(run(program, {FOO: vital}, version="2.35")) == [Code.LIBRARY_MISMATCH]
    assert run(program, {FOO: vital}, version="2.36").outcome is Outcome.STARTS


def test_a_c_library_whose_loader_lacks_what_they_share_is_unknown() -> None:
    """T: of 2.36 under 2.41, some die of it and some do not."""
    libc = glibc_libc(
        undefined=[("_dl_gone", "lazy")],
        version_needs={"ld-linux-x86-64.so.2": ["GLIBC_PRIVATE"]},
        version_definitions=["GLIBC_2.34"],
        numbers={"_dl_gone": 32},
    )
    prediction = run(glibc_program(), {lib("amd64", "libc.so.6"): tarball.program(libc)})
    assert prediction.outcome is Outcome.UNKNOWN
    assert "is of another release of glibc than its loader" in words(prediction)


def test_the_null_device_is_an_empty_file() -> None:
    """T: "file too short"."""
    program = glibc_program(needed=["libfoo.so.1", "libc.so.6"])
    null = {"opt/libfoo.so.1": tarball.link("/dev/null"), FOO: library("libfoo.so.1")}
    assert failures(run(program, null, env={"LD_LIBRARY_PATH": "/opt"})) == [Code.LIBRARY_MISMATCH]
    assert run(program, null, env={"LD_PRELOAD": "/dev/null"}).outcome is Outcome.STARTS
    hidden = run(
        program,
        {"opt/libfoo.so.1": tarball.link("/dev/null")},
        mounts=("/dev",),
        env={"LD_LIBRARY_PATH": "/opt"},
    )
    assert hidden.outcome is Outcome.UNKNOWN


def test_a_program_may_need_the_empty_name_which_is_its_own() -> None:
    """T."""
    assert run(glibc_program(needed=["", "libc.so.6"])).outcome is Outcome.STARTS


def test_a_c_library_without_what_its_loader_calls_ends_on_an_assertion() -> None:
    """T: "_dl_call_libc_early_init: Assertion `sym != NULL' failed"."""
    old = {lib("amd64", "libc.so.6"): tarball.program(glibc_libc(defined=["puts"]))}
    assert failures(run(glibc_program(), old)) == [Code.SYMBOL_MISSING]
    assert run(glibc_program(), old, version="2.31").outcome is Outcome.STARTS


def test_each_object_is_told_what_it_lacks_itself() -> None:
    """What one object finds says nothing of what the next one lacks."""
    program = glibc_program(needed=["liba.so", "libc.so.6"], undefined=["puts"], defined=["mine"])
    files: Files = {
        lib("amd64", "liba.so"): library("liba.so", needed=["libb.so"], undefined=["mine"]),
        lib("amd64", "libb.so"): library("libb.so", undefined=["mine", "other"]),
    }
    prediction = start({**debian(), **files, "p": program}, "/p")
    assert failures(prediction) == [Code.SYMBOL_MISSING]
    assert "libb.so needs the symbol other" in words(prediction)
    assert "liba.so needs" not in words(prediction)
