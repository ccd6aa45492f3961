"""Programs that gain a privilege by their file: ld.so(8), "Secure-execution mode". T: seen in real starts too."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from elfgate.errors import UnknownReason
from elfgate.linkage.inputs import NodeFacts
from elfgate.linkage.report import Code, Outcome, Prediction
from support import tarball
from support.image import (
    alpine,
    debian,
    failures,
    glibc_program,
    library,
    musl_program,
    start,
    static_program,
    words,
)
from support.ldcache import ld_so_cache

NAME = "libfoo.so.1"
BIND = tarball.capability(10)  # NET_BIND_SERVICE


def started(
    mode: int = 0o4755,
    owner: int = 0,
    *,
    capability: bytes = b"",
    at: str = "opt",
    program: Mapping[str, Any] | None = None,
    **rest: Any,
) -> Prediction:
    """A program whose library is only found along LD_LIBRARY_PATH, unless ``at`` or ``program`` say otherwise."""
    app = glibc_program(needed=[NAME, "libc.so.6"], **(program or {}))
    files = {
        **debian(),
        f"{at}/{NAME}": library(NAME),
        "bin/x": replace(app, mode=mode, uid=owner, capability=capability),
    }
    settings: dict[str, Any] = {
        "env": {"LD_LIBRARY_PATH": "/opt"},
        "user": 1000,
        "no_new_privileges": False,
        **rest,
    }
    return start(files, "/bin/x", **settings)


def test_a_set_user_id_program_ignores_the_library_path() -> None:
    """T."""
    assert failures(started()) == [Code.LIBRARY_MISSING]


def test_a_set_group_id_program_ignores_the_library_path() -> None:
    """T."""
    assert failures(started(0o2755, group=1000)) == [Code.LIBRARY_MISSING]


@pytest.mark.parametrize(
    ("mode", "owner", "user", "group"),
    [
        (0o4755, 0, 0, 0),
        (0o4755, 1000, 1000, 1000),
        (0o2755, 0, 1000, 0),
        (0o2745, 0, 1000, 1000),
        (0o755, 0, 1000, 0),
    ],
)
def test_what_gains_nothing_heeds_it(mode: int, owner: int, user: int, group: int) -> None:
    """T."""
    assert started(mode, owner, user=user, group=group).outcome is Outcome.STARTS


def test_a_supplementary_group_is_gained_up_to_some_kernel() -> None:
    """``secureexec`` compares with the group that it has; since Linux 6.16 with all of them."""
    groups = frozenset({0})
    assert started(0o2755, group=1000, groups=groups).outcome is Outcome.UNKNOWN
    assert started(0o2755, group=1000, other_groups=True).outcome is Outcome.UNKNOWN
    assert started(0o4755, group=1000, groups=groups).outcome is Outcome.CANNOT_START


def test_nothing_is_gained_without_new_privileges() -> None:
    assert started(no_new_privileges=True).outcome is Outcome.STARTS


def test_where_that_is_not_known_what_hangs_on_it_is_unknown() -> None:
    prediction = started(no_new_privileges=None)
    assert (prediction.outcome, prediction.findings[0].reason) == (
        Outcome.UNKNOWN,
        UnknownReason.VALUE_UNKNOWN,
    )
    assert "/bin/x may gain a privilege by its file" in words(prediction)


def test_where_nothing_hangs_on_it_it_need_not_be_known() -> None:
    assert started(no_new_privileges=None, at="usr/lib").outcome is Outcome.STARTS
    assert failures(started(no_new_privileges=None, at="nowhere")) == [Code.LIBRARY_MISSING]


def test_capabilities_of_a_file_are_gained_by_others_than_root() -> None:
    """T."""
    assert failures(started(0o755, capability=BIND)) == [Code.LIBRARY_MISSING]
    assert started(0o755, capability=BIND, user=0).outcome is Outcome.STARTS


def test_a_library_path_that_would_break_it_is_ignored_too() -> None:
    """T."""
    bad = {"LD_LIBRARY_PATH": "/bad"}
    files = {**debian(), f"bad/{NAME}": "", f"usr/lib/{NAME}": library(NAME)}
    program = {"bin/x": replace(glibc_program(needed=[NAME, "libc.so.6"]), mode=0o4755)}
    assert (
        start({**files, **program}, "/bin/x", env=bad, user=1000, no_new_privileges=False).outcome
        is Outcome.STARTS
    )
    assert failures(start({**files, **program}, "/bin/x", env=bad)) == [Code.LIBRARY_MISMATCH]


def test_origin_leads_to_default_directories_only() -> None:
    """T."""
    origin = {"runpath": "$ORIGIN/../app:${ORIGIN}/../usr/lib"}
    assert failures(started(at="app", program=origin)) == [Code.LIBRARY_MISSING]
    assert started(at="usr/lib", program=origin).outcome is Outcome.STARTS
    assert started(at="app", program={"runpath": "/app"}).outcome is Outcome.STARTS


def test_preloads_are_passed_over_unless_one_has_no_slash() -> None:
    program = {"undefined": ["puts", "made_up"], "bind_now": True}
    preloaded = {"LD_PRELOAD": "/opt/libp.so"}
    assert failures(started(at="usr/lib", program=program, env=preloaded)) == [Code.SYMBOL_MISSING]
    bare = started(at="usr/lib", program=program, env={"LD_PRELOAD": "libp.so"})
    assert bare.outcome is Outcome.UNKNOWN


def test_musl_does_not_follow_origin_of_such_a_program_but_of_its_libraries() -> None:
    """T."""
    app = replace(musl_program(needed=[NAME], runpath="$ORIGIN"), mode=0o4755)
    files = {**alpine(), "app/x": app, f"app/{NAME}": library(NAME)}
    assert failures(start(files, "/app/x", user=1000, no_new_privileges=False)) == [
        Code.LIBRARY_MISSING
    ]
    assert start(files, "/app/x").outcome is Outcome.STARTS
    plain = replace(musl_program(needed=[NAME], runpath="/app"), mode=0o4755)
    further = {
        "app/x": plain,
        f"app/{NAME}": library(NAME, needed=["libb.so"], runpath="$ORIGIN/b"),
    }
    files = {**alpine(), **further, "app/b/libb.so": library("libb.so")}
    assert start(files, "/app/x", user=1000, no_new_privileges=False).outcome is Outcome.STARTS


def test_a_scripts_own_bits_do_not_count() -> None:
    """T."""
    interpreter = glibc_program(needed=[NAME, "libc.so.6"])
    files = {
        **debian(),
        "bin/sh": interpreter,
        "x": tarball.program("#!/bin/sh\n", 0o4755),
        f"opt/{NAME}": library(NAME),
    }
    env = {"LD_LIBRARY_PATH": "/opt"}
    assert start(files, "/x", env=env, user=1000, no_new_privileges=False).outcome is Outcome.STARTS


@pytest.mark.parametrize(
    ("path", "text"), [("etc/ld.so.preload", "/opt/libp.so\n"), ("etc/ld.so.cache", "x")]
)
def test_files_that_the_process_may_not_read_are_not_heeded(path: str, text: str) -> None:
    """T."""
    files = {
        **debian(),
        "opt/libp.so": library("libp.so", needed=["nowhere.so"]),
        "x": glibc_program(),
    }
    shown = {**files, path: tarball.text(text, 0o600)}
    assert start(shown, "/x", user=1000).outcome is Outcome.STARTS


@pytest.mark.parametrize(
    ("mode", "owner", "library_mode", "directory_mode"),
    [
        (0o4755, 0, 0o600, 0o755),
        (0o4755, 0, 0o644, 0o700),
        (0o4755, 77, 0o400, 0o755),
        (0o2755, 77, 0o640, 0o755),
    ],
    ids=["file", "directory", "another user", "group"],
)
@pytest.mark.parametrize("libc", ["glibc", "musl"])
def test_a_program_reads_its_libraries_as_what_it_becomes(
    libc: str, mode: int, owner: int, library_mode: int, directory_mode: int
) -> None:
    """T."""
    make, base = {"glibc": (glibc_program, debian), "musl": (musl_program, alpine)}[libc]
    needed = [NAME, "libc.so.6"] if libc == "glibc" else [NAME]
    app = replace(make(needed=needed, runpath="/app/l"), mode=mode, uid=owner, gid=owner)
    files = {
        **base(),
        "app/l/": tarball.directory(directory_mode),
        f"app/l/{NAME}": replace(library(NAME), mode=library_mode, uid=owner, gid=owner),
    }
    settings: dict[str, Any] = {"user": 1000, "group": 1000, "no_new_privileges": False}
    gaining = start({**files, "app/p": app}, "/app/p", **settings)
    assert gaining.outcome is Outcome.STARTS
    plain = start({**files, "app/p": replace(app, mode=0o755)}, "/app/p", **settings)
    assert failures(plain) == [Code.LIBRARY_MISSING]


def test_the_cache_is_read_as_what_it_becomes() -> None:
    """T."""
    app = replace(glibc_program(needed=[NAME, "libc.so.6"]), mode=0o4755)
    cache = tarball.Item("file", ld_so_cache("amd64", [(NAME, f"/opt/{NAME}")]), 0o600)
    files = {**debian(), "etc/ld.so.cache": cache, f"opt/{NAME}": library(NAME), "app/p": app}
    outcome = start(files, "/app/p", user=1000, no_new_privileges=False).outcome
    assert outcome is Outcome.STARTS


def as_root(mode: int, uid: int = 1000, **overrides: Any) -> Prediction:
    files = {
        "app/": tarball.directory(0o755),
        "app/p": replace(static_program(), mode=mode, uid=uid),
    }
    return start(files, "/app/p", settled=True, **overrides)


NOTHING = frozenset({"ALL"})


def test_root_without_capabilities_is_a_user_like_any_other() -> None:
    """T."""
    assert as_root(0o700).outcome is Outcome.STARTS
    refused = as_root(0o700, dropped_capabilities=NOTHING)
    assert failures(refused) == [Code.COMMAND_NOT_EXECUTABLE]
    only = frozenset({"DAC_OVERRIDE"})
    assert as_root(0o700, dropped_capabilities=only).outcome is Outcome.CANNOT_START
    assert as_root(0o755, dropped_capabilities=NOTHING).outcome is Outcome.STARTS
    assert as_root(0o700, uid=0, dropped_capabilities=NOTHING).outcome is Outcome.STARTS
    kept: dict[str, Any] = {"dropped_capabilities": NOTHING, "capabilities": only}
    assert as_root(0o700, **kept).outcome is Outcome.STARTS
    assert as_root(0o700, dropped_capabilities=NOTHING, privileged=True).outcome is Outcome.STARTS


def test_root_without_capabilities_searches_no_directory_of_another() -> None:
    """T."""
    files = {"app/": tarball.directory(0o700, uid=1000), "app/p": static_program()}
    prediction = start(files, "/app/p", dropped_capabilities=NOTHING)
    assert failures(prediction) == [Code.COMMAND_NOT_EXECUTABLE]
    assert start(files, "/app/p").outcome is Outcome.STARTS


def test_root_without_capabilities_reads_no_library_of_another() -> None:
    """T."""
    foo = replace(library(NAME), mode=0o600, uid=1000)
    app = glibc_program(needed=[NAME, "libc.so.6"])
    files = {**debian(), f"usr/lib/{NAME}": foo, "app/p": app}
    assert failures(start(files, "/app/p", dropped_capabilities=NOTHING)) == [Code.LIBRARY_MISSING]
    assert start(files, "/app/p").outcome is Outcome.STARTS


IPC_LOCK, NET_RAW, DAC_OVERRIDE = 14, 13, 1
CONTAINERD, CRIO = NodeFacts(runtime="containerd"), NodeFacts(runtime="cri-o")


def demanding(
    *numbers: int, effective: bool = True, node: NodeFacts | None = None, **overrides: Any
) -> Prediction:
    attribute = tarball.capability(*numbers, effective=effective)
    files = {"app": replace(static_program(), capability=attribute)}
    return start(files, "/app", node=node, **{"settled": True, **overrides})


def test_the_kernel_refuses_a_file_whose_capabilities_the_container_may_not_have() -> None:
    """T: EPERM, for root and for others, with no_new_privs and without."""
    for user in (0, 1000):
        for forbidden in (True, False):
            refused = demanding(IPC_LOCK, user=user, no_new_privileges=forbidden)
            assert failures(refused) == [Code.COMMAND_NOT_EXECUTABLE]
            assert "demands cap_ipc_lock, which this container may not have" in words(refused)
    assert failures(demanding(10, dropped_capabilities=NOTHING)) == [Code.COMMAND_NOT_EXECUTABLE]


@pytest.mark.parametrize(
    "overrides",
    [
        {"effective": False},
        {"privileged": True},
        {"capabilities": frozenset({"IPC_LOCK"})},
        {"capabilities": frozenset({"ALL"})},
        {"capabilities": frozenset({"IPC_LOCK"}), "dropped_capabilities": NOTHING},
    ],
)
def test_it_executes_those_that_demand_no_more_than_it_may_have(overrides: dict[str, Any]) -> None:
    """T."""
    assert demanding(IPC_LOCK, **overrides).outcome is Outcome.STARTS


def test_what_only_some_runtimes_give_by_default_is_known_by_the_nodes_runtime() -> None:
    assert demanding(NET_RAW, node=CONTAINERD).outcome is Outcome.STARTS
    assert demanding(NET_RAW, node=CRIO).outcome is Outcome.CANNOT_START
    assert demanding(NET_RAW).outcome is Outcome.UNKNOWN
    assert demanding(IPC_LOCK, settled=False).outcome is Outcome.UNKNOWN
    assert demanding(10, settled=False).outcome is Outcome.STARTS


def test_an_effective_bit_makes_execution_secure_for_users_even_without_new_privileges() -> None:
    """T."""
    for forbidden in (True, False, None):
        secured = started(0o755, capability=BIND, no_new_privileges=forbidden)
        assert failures(secured) == [Code.LIBRARY_MISSING]


def test_permitted_capabilities_alone_count_where_they_are_gained() -> None:
    """T."""
    permitted = tarball.capability(10, effective=False)
    assert failures(started(0o755, capability=permitted)) == [Code.LIBRARY_MISSING]
    assert started(0o755, capability=permitted, no_new_privileges=True).outcome is Outcome.STARTS
    dropped = started(0o755, capability=permitted, dropped_capabilities=NOTHING)
    assert dropped.outcome is Outcome.STARTS


def test_a_capability_to_pass_mode_bits_lets_a_program_read_its_libraries() -> None:
    """T."""
    app = replace(
        glibc_program(needed=[NAME, "libc.so.6"]), capability=tarball.capability(DAC_OVERRIDE)
    )
    foo = replace(library(NAME), mode=0o600)
    files = {**debian(), f"usr/lib/{NAME}": foo, "app/p": app}
    assert start(files, "/app/p", user=1000, settled=True).outcome is Outcome.STARTS
