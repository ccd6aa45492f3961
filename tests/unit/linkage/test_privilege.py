"""Programs that gain a privilege by their file: ld.so(8), "Secure-execution mode". T: seen in real starts too."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from elfgate.errors import UnknownReason
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
    words,
)

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


def test_capabilities_of_a_file_may_be_gained_by_others_than_root() -> None:
    assert started(0o755, capability=BIND).outcome is Outcome.UNKNOWN
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
