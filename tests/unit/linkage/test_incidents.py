"""Real incidents, class by class, each rebuilt in small: what must be refused, and what must never be."""

from elfgate.linkage.inputs import ImageDefaults, NodeFacts, Overrides
from elfgate.linkage.predict import predict
from elfgate.linkage.report import Code, Outcome
from elfgate.platforms import Platform
from support import tarball
from support.elf_file import elf_file, glibc_loader
from support.image import (
    Files,
    alpine,
    debian,
    failures,
    glibc_program,
    lib,
    library,
    musl_program,
    start,
    static_program,
    tree,
)

ENTRYPOINT = """#!/bin/sh

set -eo pipefail

# Check if incoming command contains flags.
if [ "${1#-}" != "$1" ]; then
    set -- static-web-server "$@"
fi

exec "$@"
"""


def server(on: str, *, libc: str) -> tarball.Item:
    needed = ["libgcc_s.so.1", "libm.so.6", "libc.so.6"]
    return glibc_program(on, needed=needed) if libc == "glibc" else static_program(on)


def test_a_the_case_that_started_it_alpine_on_ppc64le_and_s390x() -> None:
    for on, libc, outcome in [
        ("amd64", "musl", Outcome.STARTS),
        ("arm64", "musl", Outcome.STARTS),
        ("ppc64le", "glibc", Outcome.CANNOT_START),
        ("s390x", "glibc", Outcome.CANNOT_START),
    ]:
        files = {
            **alpine(on),
            "entrypoint.sh": tarball.program(ENTRYPOINT),
            "usr/local/bin/static-web-server": server(on, libc=libc),
        }
        image = tree(files)
        defaults = ImageDefaults(("/entrypoint.sh",), ("static-web-server",))
        for overrides in (Overrides(), Overrides(args=("--port", "8080"))):
            prediction = predict(image, defaults, overrides, Platform("linux", on))
            assert prediction.outcome is outcome
            assert failures(prediction) == (
                [Code.LOADER_MISSING] if outcome is Outcome.CANNOT_START else []
            )


def test_a_the_same_program_alone_in_scratch() -> None:
    files = {"static-web-server": server("ppc64le", libc="glibc")}
    assert failures(start(files, "/static-web-server", on="ppc64le")) == [Code.LOADER_MISSING]


def test_a_the_same_bytes_in_debian_start() -> None:
    files = {**debian("ppc64le"), "usr/local/bin/sws": server("ppc64le", libc="glibc")}
    for name in ("libgcc_s.so.1", "libm.so.6"):
        files[lib("ppc64le", name)] = library(name, "ppc64le")
    assert start(files, "sws", on="ppc64le").outcome is Outcome.STARTS


def test_a_a_shells_loader_whose_link_dangles_two_hops_away() -> None:
    files = {
        "bin/sh": glibc_program("s390x"),
        "lib/ld64.so.1": tarball.link("/lib64/ld64.so.1"),
        "usr/local/bin/flexvol.sh": tarball.program("#!/bin/sh\necho\n"),
    }
    assert failures(start(files, "flexvol.sh", on="s390x")) == [Code.LOADER_MISSING]


def test_a_a_program_linked_with_cgo_in_a_static_base() -> None:
    files: Files = {
        "etc/os-release": "ID=debian\n",
        "etc/passwd": "root:x:0:0::/:/\n",
        "manager": glibc_program(),
    }
    assert failures(start(files, "/manager")) == [Code.LOADER_MISSING]


def test_b_a_program_of_another_architecture_under_a_right_label() -> None:
    files = {**debian("arm64"), "usr/bin/ztunnel": glibc_program("amd64")}
    assert failures(start(files, "ztunnel", on="arm64")) == [Code.EXEC_FORMAT]


def test_c_an_image_for_another_architecture_altogether() -> None:
    files = {**alpine("arm64"), "entry.sh": tarball.program('#!/bin/sh\nexec "$@"\n')}
    assert failures(start(files, "/entry.sh", "x")) == [Code.EXEC_FORMAT]


def test_e_a_library_that_the_base_image_no_longer_has() -> None:
    files = {**debian(), "app": glibc_program(needed=["libssl.so.1.1", "libc.so.6"])}
    files[lib("amd64", "libssl.so.3")] = library("libssl.so.3")
    assert failures(start(files, "/app")) == [Code.LIBRARY_MISSING]


def test_e_glibcs_loader_as_a_needed_library_under_musl() -> None:
    files = {
        **alpine(),
        "app": musl_program(needed=["ld-linux-x86-64.so.2", "libc.musl-x86_64.so.1"]),
    }
    assert failures(start(files, "/app")) == [Code.LIBRARY_MISSING]


def test_f_a_program_built_on_a_newer_distribution() -> None:
    program = glibc_program(version_needs={"libc.so.6": ["GLIBC_2.17", "GLIBC_2.32"]})
    assert failures(start({**debian(version="2.31"), "app": program}, "/app")) == [
        Code.SYMBOL_VERSION_MISSING
    ]
    assert start({**debian(version="2.36"), "app": program}, "/app").outcome is Outcome.STARTS


def test_g_a_base_image_that_raises_the_cpu_floor() -> None:
    loader = glibc_loader("ppc64le", fatal="CPU lacks ISA 3.00 support (POWER9 or later required)")
    files = {
        **debian("ppc64le"),
        lib("ppc64le", "ld64.so.2"): tarball.program(loader),
        "app": glibc_program("ppc64le"),
    }
    assert failures(start(files, "/app", on="ppc64le", node=NodeFacts(cpu_level="power8"))) == [
        Code.CPU_LEVEL
    ]
    assert (
        start(files, "/app", on="ppc64le", node=NodeFacts(cpu_level="power9")).outcome
        is Outcome.STARTS
    )
    assert start(files, "/app", on="ppc64le").outcome is Outcome.STARTS


def test_h_a_library_built_for_4k_pages() -> None:
    files = {**debian("arm64"), "app": glibc_program("arm64", needed=["libplane.so", "libc.so.6"])}
    files["usr/lib/libplane.so"] = library("libplane.so", "arm64", load_align=0x1000)
    assert failures(start(files, "/app", on="arm64", node=NodeFacts(page_size=16384))) == [
        Code.PAGE_SIZE
    ]
    assert (
        start(files, "/app", on="arm64", node=NodeFacts(page_size=4096)).outcome is Outcome.STARTS
    )
    assert start(files, "/app", on="arm64").outcome is Outcome.STARTS


def test_i_a_script_for_a_shell_that_is_not_there() -> None:
    for first in ("#!/bin/bash\n", "#!/bin/sh\r\n"):
        files = {**alpine(), "run.sh": tarball.program(first)}
        assert failures(start(files, "/run.sh")) == [Code.SCRIPT_INTERPRETER_MISSING]


def test_i_the_same_through_env() -> None:
    files = {**alpine(), "run.sh": tarball.program("#!/usr/bin/env bash\n")}
    assert failures(start(files, "/run.sh")) == [Code.COMMAND_MISSING]


def test_i_a_script_that_is_missing_behind_an_init() -> None:
    files = {**alpine(), "usr/bin/dumb-init": static_program()}
    assert failures(start(files, "dumb-init", "--", "/run.sh")) == [Code.COMMAND_MISSING]


def test_i_a_script_without_a_first_line() -> None:
    assert failures(start({**alpine(), "run.sh": tarball.program("echo hi\n")}, "/run.sh")) == [
        Code.EXEC_FORMAT
    ]


def test_m_a_kernel_older_than_the_libc() -> None:
    loader = tarball.program(glibc_loader(version="2.31", abi_tag=(3, 2, 0)))
    files = {
        **debian(version="2.31"),
        lib("amd64", "ld-linux-x86-64.so.2"): loader,
        "app": glibc_program(),
    }
    assert failures(start(files, "/app", node=NodeFacts(kernel=(2, 6, 32)))) == [
        Code.KERNEL_TOO_OLD
    ]


def test_never_refused_arm_programs_on_arm64_nodes() -> None:
    program = tarball.program(elf_file("arm", type=2, flags=0x5000400))
    assert start({"app": program}, "/app", on="arm64").outcome is Outcome.STARTS


def test_never_refused_386_programs_on_amd64_nodes() -> None:
    files = {**debian("386"), "app": glibc_program("386")}
    assert start(files, "/app").outcome is Outcome.STARTS


def test_never_refused_nodes_that_emulate() -> None:
    node = NodeFacts(emulates=frozenset({"arm64"}))
    files = {**alpine("arm64"), "app": musl_program("arm64")}
    assert start(files, "/app", node=node).outcome is Outcome.STARTS


def test_never_refused_libraries_that_the_host_adds() -> None:
    files = {
        **debian(),
        "app": glibc_program(needed=["libcuda.so.1", "libnvidia-ml.so.1", "libc.so.6"]),
    }
    assert start(files, "/app").outcome is Outcome.UNKNOWN


def test_never_refused_tools_copied_through_a_volume() -> None:
    files = {**alpine(), "__e/tail": glibc_program()}
    assert start(files, "/__e/tail", mounts=("/__e",)).outcome is Outcome.UNKNOWN


def test_never_refused_plugins_that_are_only_opened_later() -> None:
    files = {
        **alpine(),
        "app": static_program(),
        "lib/engine.so.node": library("x", needed=["libssl.so.1.1"]),
    }
    assert start(files, "/app").outcome is Outcome.STARTS
