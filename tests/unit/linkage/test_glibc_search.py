"""How glibc finds libraries: elf/dl-load.c, dl-cache.c, dl-hwcaps.c. T marks what was also seen in real starts."""

import pytest

from elfgate.errors import UnknownReason
from elfgate.linkage.inputs import NodeFacts
from elfgate.linkage.report import Code, Effect, Outcome, Prediction
from support import tarball
from support.elf_file import glibc_libc, glibc_loader, multiarch_directories
from support.glibc_needs import ALL, BAD, CACHE, NAME, good, needs_foo
from support.image import Files, debian, failures, glibc_program, lib, library, start, words
from support.ldcache import ld_so_cache


@pytest.mark.parametrize("on", ALL)
def test_the_default_directories_are_those_of_the_loader_itself(on: str) -> None:
    """T: read from the strings of ld.so, for every architecture."""
    for directory in multiarch_directories(on):
        assert needs_foo({f"{directory[1:]}/{NAME}": good(on)}, on).outcome is Outcome.STARTS
    for directory in ("usr/lib64", "usr/local/lib", "opt"):
        assert failures(needs_foo({f"{directory}/{NAME}": good(on)}, on)) == [Code.LIBRARY_MISSING]


def test_another_distributions_loader_has_other_directories() -> None:
    loader = glibc_loader(directories=("/lib64", "/usr/lib64"))
    files = {
        lib("amd64", "ld-linux-x86-64.so.2"): tarball.program(loader),
        "usr/lib64/libc.so.6": debian()[lib("amd64", "libc.so.6")],
    }
    assert needs_foo({**files, f"usr/lib64/{NAME}": good()}).outcome is Outcome.STARTS
    assert failures(needs_foo({**files, f"usr/lib/{NAME}": good()})) == [Code.LIBRARY_MISSING]


def test_a_missing_library_is_told_with_who_needs_it() -> None:
    assert words(needs_foo({})) == (
        "/app/bin/p needs libfoo.so.1, which this image (Debian 12, glibc) does not contain where it is searched"
    )


def test_all_missing_libraries_are_told() -> None:
    prediction = needs_foo({}, program={"needed": ["liba.so", "libb.so", "libc.so.6"]})
    assert failures(prediction) == [Code.LIBRARY_MISSING] * 2


def test_a_library_of_a_library_is_searched_too() -> None:
    prediction = needs_foo({lib("amd64", NAME): good(needed=["libbar.so.2"])})
    assert failures(prediction) == [Code.LIBRARY_MISSING]
    assert "libfoo.so.1 needs libbar.so.2" in words(prediction)


def test_ld_so_conf_is_not_read_but_the_cache_is() -> None:
    """T: /usr/local/lib with and without ldconfig."""
    files: Files = {f"usr/local/lib/{NAME}": good(), "etc/ld.so.conf": "/usr/local/lib\n"}
    assert failures(needs_foo(files)) == [Code.LIBRARY_MISSING]
    cache = ld_so_cache("amd64", [(NAME, f"/usr/local/lib/{NAME}")])
    assert needs_foo({**files, CACHE: cache}).outcome is Outcome.STARTS


@pytest.mark.parametrize("on", ALL)
def test_the_cache_is_read_in_the_architectures_byte_order_and_kind(on: str) -> None:
    program = {"flags": 0x5000400} if on == "arm" else {}
    files: dict[str, tarball.Item | str | bytes] = {f"opt/{NAME}": good(on)}
    if on == "arm":
        files[lib(on, "ld-linux-armhf.so.3")] = tarball.program(glibc_loader(on, flags=0x5000400))
    cache = ld_so_cache(on, [(NAME, f"/opt/{NAME}")])
    assert needs_foo({**files, CACHE: cache}, on, program=program).outcome is Outcome.STARTS
    other = ld_so_cache(on, [(NAME, f"/opt/{NAME}")], flags=0x0103)  # 64-bit SPARC's
    assert failures(needs_foo({**files, CACHE: other}, on, program=program)) == [
        Code.LIBRARY_MISSING
    ]
    foreign = ld_so_cache("amd64" if on == "s390x" else "s390x", [(NAME, f"/opt/{NAME}")])
    assert failures(needs_foo({**files, CACHE: foreign}, on, program=program)) == [
        Code.LIBRARY_MISSING
    ]


@pytest.mark.parametrize(("on", "kind"), [("386", 1), ("386", 3), ("arm", 3)])
def test_some_loaders_also_take_entries_without_a_mark_of_an_abi(on: str, kind: int) -> None:
    """T: ldconfig writes them for libraries that do not need libc.so.6."""
    cache = ld_so_cache(on, [(NAME, f"/opt/{NAME}")], flags=kind)
    assert needs_foo({f"opt/{NAME}": good(on), CACHE: cache}, on).outcome is Outcome.STARTS


def test_a_corrupt_cache_is_ignored() -> None:
    """T."""
    assert needs_foo({CACHE: b"garbage" * 9, f"lib/{NAME}": good()}).outcome is Outcome.STARTS


def test_what_the_cache_names_and_is_not_there_is_searched_in_the_default_directories() -> None:
    """T."""
    cache = ld_so_cache("amd64", [(NAME, f"/gone/{NAME}")])
    assert needs_foo({CACHE: cache, f"usr/lib/{NAME}": good()}).outcome is Outcome.STARTS


ORDER = [  # each place comes before those that follow it
    ("env", "LD_LIBRARY_PATH"),
    ("runpath", "RUNPATH"),
    ("cache", "cache"),
    ("lib/x86_64-linux-gnu", "default"),
]


@pytest.mark.parametrize("first", range(len(ORDER) - 1))
def test_ld_library_path_comes_before_runpath_before_the_cache_before_the_defaults(
    first: int,
) -> None:
    """T."""
    files: dict[str, tarball.Item | str | bytes] = {
        CACHE: ld_so_cache("amd64", [(NAME, f"/cache/{NAME}")])
    }
    files[f"{ORDER[first][0]}/{NAME}"] = good()
    for place, _ in ORDER[first + 1 :]:
        files[f"{place}/{NAME}"] = BAD
    prediction = needs_foo(files, program={"runpath": "/runpath"}, env={"LD_LIBRARY_PATH": "/env"})
    assert prediction.outcome is Outcome.STARTS


def test_rpath_comes_before_ld_library_path() -> None:
    files = {f"rpath/{NAME}": good(), f"env/{NAME}": BAD}
    prediction = needs_foo(files, program={"rpath": "/rpath"}, env={"LD_LIBRARY_PATH": "/env"})
    assert prediction.outcome is Outcome.STARTS


def chain(**program: object) -> Prediction:
    """p needs libbar, which needs libfoo; both are in /opt."""
    files = {"opt/libbar.so": library("libbar.so", needed=[NAME]), f"opt/{NAME}": good()}
    return needs_foo(files, program={"needed": ["libbar.so", "libc.so.6"], **program})


def test_an_rpath_serves_libraries_of_libraries_and_a_runpath_does_not() -> None:
    """T."""
    assert chain(rpath="/opt").outcome is Outcome.STARTS
    assert failures(chain(runpath="/opt")) == [Code.LIBRARY_MISSING]


def test_a_runpath_makes_the_rpath_of_the_same_object_void() -> None:
    assert failures(chain(rpath="/opt", runpath="/nowhere")) == [Code.LIBRARY_MISSING]


def test_an_object_with_a_runpath_does_not_inherit_an_rpath() -> None:
    files = {
        "opt/libbar.so": library("libbar.so", needed=[NAME], runpath="/nowhere"),
        f"opt/{NAME}": good(),
    }
    program = {"needed": ["libbar.so", "libc.so.6"], "rpath": "/opt"}
    assert failures(needs_foo(files, program=program)) == [Code.LIBRARY_MISSING]


def test_origin_is_where_the_program_really_is() -> None:
    """T."""
    for origin in ("$ORIGIN", "${ORIGIN}"):
        assert (
            needs_foo({f"app/lib/{NAME}": good()}, program={"runpath": f"{origin}/../lib"}).outcome
            is Outcome.STARTS
        )


def test_origin_of_a_library_is_where_it_was_opened() -> None:
    files = {
        "opt/libbar.so": tarball.link("/real/libbar.so"),
        "real/libbar.so": library("libbar.so", needed=[NAME], runpath="$ORIGIN/sub"),
    }
    program = {"needed": ["libbar.so", "libc.so.6"], "runpath": "/opt"}
    assert (
        needs_foo({**files, f"opt/sub/{NAME}": good()}, program=program).outcome is Outcome.STARTS
    )
    assert failures(needs_foo({**files, f"real/sub/{NAME}": good()}, program=program)) == [
        Code.LIBRARY_MISSING
    ]


def test_lib_is_told_by_the_loaders_directories() -> None:
    files = {f"app/lib/x86_64-linux-gnu/{NAME}": good()}
    assert needs_foo(files, program={"runpath": "$ORIGIN/../$LIB"}).outcome is Outcome.STARTS


def test_platform_is_the_nodes_and_unknown_where_it_decides() -> None:
    program = {"runpath": "/opt/$PLATFORM/lib:/opt/a${PLATFORM}z"}
    for place in (f"x86_64/lib/{NAME}", f"a0z/{NAME}", f"0/lib/glibc-hwcaps/x86-64-v2/{NAME}"):
        prediction = needs_foo({f"opt/{place}": good()}, program=program)
        assert prediction.findings[0].reason is UnknownReason.NODE_FACT_UNKNOWN
    for place in ("x86_64/lib/libbar.so", f"x86_64/{NAME}", f"lib/{NAME}", f"b0z/{NAME}"):
        assert failures(needs_foo({f"opt/{place}": good()}, program=program)) == [
            Code.LIBRARY_MISSING
        ]
    assert (
        needs_foo({f"lib/{NAME}": good()}, program={"runpath": "/opt/$PLATFORM"}).outcome
        is Outcome.STARTS
    )


def test_semicolons_separate_in_ld_library_path_but_not_in_a_runpath() -> None:
    files = {f"opt/{NAME}": good()}
    assert needs_foo(files, env={"LD_LIBRARY_PATH": "/a;/opt"}).outcome is Outcome.STARTS
    assert failures(needs_foo(files, program={"runpath": "/a;/opt"})) == [Code.LIBRARY_MISSING]


def test_an_empty_element_is_the_working_directory() -> None:
    files = {f"srv/{NAME}": good()}
    assert (
        needs_foo(files, env={"LD_LIBRARY_PATH": ":/x"}, working_dir="/srv").outcome
        is Outcome.STARTS
    )
    assert failures(needs_foo(files, env={"LD_LIBRARY_PATH": ""}, working_dir="/srv")) == [
        Code.LIBRARY_MISSING
    ]


def test_a_name_with_a_slash_is_opened_as_it_is() -> None:
    files = {f"opt/{NAME}": good()}
    assert (
        needs_foo(files, program={"needed": [f"/opt/{NAME}", "libc.so.6"]}).outcome
        is Outcome.STARTS
    )
    prediction = needs_foo(
        files, program={"needed": [f"opt/{NAME}", "libc.so.6"]}, working_dir="/etc"
    )
    assert failures(prediction) == [Code.LIBRARY_MISSING]


def test_a_name_that_is_loaded_already_is_not_searched() -> None:
    """By DT_SONAME, or under the name by which it was asked for."""
    files = {
        "lib/libone.so": library("libalias.so.3"),
        "lib/libtwo.so": library("libtwo.so", needed=["libalias.so.3", "ld-linux-x86-64.so.2"]),
    }
    assert (
        needs_foo(files, program={"needed": ["libone.so", "libtwo.so", "libc.so.6"]}).outcome
        is Outcome.STARTS
    )


def test_nodeflib_leaves_out_the_default_directories_and_what_the_cache_has_of_them() -> None:
    cache = ld_so_cache("amd64", [(NAME, f"/{lib('amd64', NAME)}")])
    program = {"nodeflib": True, "needed": [NAME]}
    prediction = needs_foo({lib("amd64", NAME): good(), CACHE: cache}, program=program)
    assert failures(prediction) == [Code.LIBRARY_MISSING]


def test_a_library_under_a_volume_is_unknown_only_if_it_is_not_found_elsewhere() -> None:
    program, mounts = {"runpath": "/data/lib"}, ("/data",)
    prediction = needs_foo({}, program=program, mounts=mounts)
    assert prediction.findings[0].reason is UnknownReason.UNDER_MOUNT
    assert (
        needs_foo({f"lib/{NAME}": good()}, program=program, mounts=mounts).outcome is Outcome.STARTS
    )


def test_what_rests_on_a_library_that_a_volume_may_replace_is_unknown() -> None:
    files = {f"lib/{NAME}": good(needed=["libbar.so"])}
    prediction = needs_foo(files, program={"runpath": "/data/lib"}, mounts=("/data",))
    assert prediction.outcome is Outcome.UNKNOWN


def test_a_library_path_that_comes_from_elsewhere_lifts_what_is_missing() -> None:
    prediction = needs_foo({}, unknown_env=frozenset({"LD_LIBRARY_PATH"}))
    assert prediction.findings[0].reason is UnknownReason.VALUE_UNKNOWN


def test_libraries_that_the_host_adds_are_unknown_not_missing() -> None:
    prediction = needs_foo({}, program={"needed": ["libcuda.so.1", "libc.so.6"]})
    assert prediction.outcome is Outcome.UNKNOWN
    assert prediction.findings[0].reason is UnknownReason.NODE_FACT_UNKNOWN


def test_the_vdso_is_no_file() -> None:
    assert (
        needs_foo({}, program={"needed": ["linux-vdso.so.1", "libc.so.6"]}).outcome
        is Outcome.STARTS
    )


def test_a_preload_that_cannot_be_loaded_is_passed_over() -> None:
    """T: LD_PRELOAD and /etc/ld.so.preload."""
    files: Files = {f"lib/{NAME}": good(), "etc/ld.so.preload": "/nope.so\n", "opt/bad.so": BAD}
    assert needs_foo(files, env={"LD_PRELOAD": "libnope.so /opt/bad.so"}).outcome is Outcome.STARTS


def test_what_a_preload_needs_is_needed() -> None:
    files = {f"lib/{NAME}": good(), "opt/pre.so": library("pre.so", needed=["libgone.so"])}
    assert failures(needs_foo(files, env={"LD_PRELOAD": "/opt/pre.so"})) == [Code.LIBRARY_MISSING]


def test_a_preload_may_be_the_library_that_is_needed() -> None:
    assert (
        needs_foo({f"opt/{NAME}": good()}, env={"LD_PRELOAD": f"/opt/{NAME}"}).outcome
        is Outcome.STARTS
    )


def test_a_library_that_wants_a_newer_kernel_is_skipped_up_to_2_35() -> None:
    """T: on 2.31; 2.36 does not look at the tag."""
    files = {f"lib/{NAME}": good(abi_tag=(5, 10, 0))}
    old = NodeFacts(kernel=(4, 18, 0))
    assert failures(needs_foo(files, version="2.31", node=old)) == [Code.LIBRARY_MISSING]
    assert (
        needs_foo(files, version="2.31", node=NodeFacts(kernel=(6, 1, 0))).outcome is Outcome.STARTS
    )
    assert needs_foo(files, version="2.31").outcome is Outcome.STARTS
    assert needs_foo(files, version="2.36", node=old).outcome is Outcome.STARTS


def test_a_library_that_wants_a_kernel_that_nobody_has_is_skipped_without_asking() -> None:
    """T."""
    assert failures(needs_foo({f"lib/{NAME}": good(abi_tag=(9, 9, 9))}, version="2.31")) == [
        Code.LIBRARY_MISSING
    ]


def test_a_libc_that_wants_a_newer_kernel_speaks_for_its_loader() -> None:
    """T: "FATAL: kernel too old", though the loader's file has no tag (arm64's)."""
    files = {lib("amd64", "libc.so.6"): library("libc.so.6", abi_tag=(5, 10, 0))}
    assert (
        failures(needs_foo(files, version="2.31", node=NodeFacts(kernel=(4, 18, 0))))[-1]
        == Code.KERNEL_TOO_OLD
    )


def test_the_programs_own_kernel_tag_is_not_looked_at() -> None:
    """T."""
    node = NodeFacts(kernel=(4, 18, 0))
    prediction = needs_foo(
        {f"lib/{NAME}": good()}, version="2.31", program={"abi_tag": (9, 9, 9)}, node=node
    )
    assert prediction.outcome is Outcome.STARTS


def test_a_library_linked_for_smaller_pages_is_refused() -> None:
    """T: "ELF load command address/offset not page-aligned", on 16 KiB and 64 KiB kernels."""
    files = {f"lib/{NAME}": good("arm64", load_align=0x1000)}
    assert failures(needs_foo(files, "arm64", node=NodeFacts(page_size=16384))) == [Code.PAGE_SIZE]
    prediction = needs_foo(files, "arm64")
    assert [(finding.code, finding.effect) for finding in prediction.findings] == [
        (Code.PAGE_SIZE, Effect.NOTE)
    ]


def test_the_walk_reads_like_the_loaders_own() -> None:
    walk = needs_foo({f"lib/{NAME}": good()}, program={"runpath": "/opt"}, explain=True).walk
    steps = [
        (step.text, step.result) for step in walk if step.actor == "glibc" and NAME in step.text
    ]
    assert steps == [
        ("/opt/libfoo.so.1 (RUNPATH of /app/bin/p)", "ENOENT"),
        ("/lib/x86_64-linux-gnu/libfoo.so.1 (default directory)", "ENOENT"),
        ("/usr/lib/x86_64-linux-gnu/libfoo.so.1 (default directory)", "ENOENT"),
        ("/lib/libfoo.so.1 (default directory)", "/lib/libfoo.so.1"),
    ]
    assert not needs_foo({}).walk


def test_before_2_37_every_cpu_looks_into_tls_first() -> None:
    """T."""
    fine, program = {f"opt/tls/{NAME}": good()}, {"runpath": "/opt"}
    broken: Files = {f"opt/{NAME}": good(), f"opt/tls/{NAME}": ""}
    assert needs_foo(fine, version="2.36", program=program).outcome is Outcome.STARTS
    assert failures(needs_foo(fine, version="2.37", program=program)) == [Code.LIBRARY_MISSING]
    assert failures(needs_foo(broken, version="2.36", program=program)) == [Code.LIBRARY_MISMATCH]
    assert needs_foo(broken, version="2.37", program=program).outcome is Outcome.STARTS


@pytest.mark.parametrize("where", ["haswell", "tls/haswell/x86_64"])
def test_before_2_37_old_subdirectories_may_have_what_is_missing(where: str) -> None:
    files, program = {f"opt/{where}/{NAME}": good()}, {"runpath": "/opt"}
    assert needs_foo(files, version="2.36", program=program).outcome is Outcome.UNKNOWN
    assert failures(needs_foo(files, version="2.37", program=program)) == [Code.LIBRARY_MISSING]


def test_an_auxiliary_filter_gives_what_it_has_and_is_not_needed() -> None:
    """T."""
    program = {"undefined": ["more"]}
    files = {f"lib/{NAME}": good(auxiliaries=["libreal.so"])}
    assert failures(needs_foo(files, program=program)) == [Code.SYMBOL_MISSING]
    real = library("libreal.so", defined=["more"])
    assert needs_foo({**files, "lib/libreal.so": real}, program=program).outcome is Outcome.STARTS


def test_a_filter_is_needed() -> None:
    """T."""
    files = {f"lib/{NAME}": good(filters=["libreal.so"])}
    assert failures(needs_foo(files)) == [Code.LIBRARY_MISSING]
    assert needs_foo({**files, "lib/libreal.so": library("libreal.so")}).outcome is Outcome.STARTS


def test_a_search_path_with_a_file_in_it_is_searched_on() -> None:
    """T: the directory is known not to be one before the error counts."""
    files = {**debian(), "app": glibc_program(needed=[NAME, "libc.so.6"]), f"opt/{NAME}": good()}
    assert start(files, "/app", env={"LD_LIBRARY_PATH": "/app:/opt"}).outcome is Outcome.STARTS


def test_a_program_that_only_lists_its_libraries_does_not_fail_for_want_of_them() -> None:
    """T."""
    files = {**debian(), "app": glibc_program(needed=[NAME, "libc.so.6"])}
    assert start(files, "/app", env={"LD_TRACE_LOADED_OBJECTS": "1"}).outcome is Outcome.STARTS
    assert start(files, "/app", env={"LD_TRACE_LOADED_OBJECTS": ""}).outcome is Outcome.STARTS
    bad = {**files, f"lib/{NAME}": ""}
    assert failures(start(bad, "/app", env={"LD_TRACE_LOADED_OBJECTS": "1"})) == [
        Code.LIBRARY_MISMATCH
    ]


@pytest.mark.parametrize(
    ("value", "helps"),
    [("help", True), ("libs,help", True), ("libs help", True), ("helpful", False)],
)
def test_a_loader_that_tells_what_it_can_be_asked_loads_nothing(value: str, helps: bool) -> None:
    """T."""
    assert (needs_foo({}, env={"LD_DEBUG": value}).outcome is Outcome.STARTS) is helps


@pytest.mark.parametrize(
    ("assumed", "code"),
    [
        ("2.4.1", [Code.LIBRARY_MISSING]), ("2.4.19-smp", [Code.LIBRARY_MISSING]), ("3", [Code.LIBRARY_MISSING]),
        ("6.1", []), ("x", []), ("2.4x", []), ("300.1.1", []), ("", []),
    ],
)  # fmt: skip
def test_an_assumed_kernel_counts_up_to_2_35(assumed: str, code: list[Code]) -> None:
    """T: and the loader has asked the real one before, so that it says nothing of it."""
    files = {
        lib("amd64", "libc.so.6"): tarball.program(glibc_libc(version="2.31", abi_tag=(3, 2, 0)))
    }
    files[f"lib/{NAME}"] = good()
    env, node = {"LD_ASSUME_KERNEL": assumed}, NodeFacts(kernel=(6, 1, 0))
    assert failures(needs_foo(files, version="2.31", env=env, node=node)) == code
    assert needs_foo(files, version="2.36", env=env, node=node).outcome is Outcome.STARTS


def test_a_library_with_an_abi_version_is_refused() -> None:
    """T."""
    data = bytearray(good().data)
    data[8] = 1
    files = {
        **debian(),
        "app": glibc_program(needed=[NAME, "libc.so.6"]),
        f"usr/lib/{NAME}": bytes(data),
    }
    assert failures(start(files, "/app")) == [Code.LIBRARY_MISMATCH]


def test_what_a_cache_or_a_list_of_preloads_says_behind_a_link_is_not_known() -> None:
    """T: both are followed."""
    cache: Files = {
        CACHE: tarball.link("/opt/cache"),
        "opt/cache": ld_so_cache("amd64", [(NAME, f"/opt/{NAME}")]),
    }
    assert needs_foo(cache).outcome is Outcome.UNKNOWN
    preloads: Files = {"etc/ld.so.preload": tarball.link("/opt/list"), "opt/list": "/opt/libpre.so"}
    assert needs_foo(preloads).outcome is Outcome.UNKNOWN
    assert needs_foo({**preloads, f"lib/{NAME}": good()}).outcome is Outcome.STARTS
    assert failures(needs_foo({"etc/ld.so.preload": ""})) == [Code.LIBRARY_MISSING]
