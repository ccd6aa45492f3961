"""Programs that start, one for each way that a start may take; tests take away what they rest on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from elfgate.linkage.inputs import ImageDefaults, NodeFacts, Overrides
from elfgate.linkage.predict import predict
from elfgate.linkage.report import Prediction
from elfgate.platforms import Platform
from support import tarball
from support.image import (
    Files,
    alpine,
    debian,
    glibc_program,
    lib,
    library,
    musl_program,
    static_program,
    tree,
)
from support.ldcache import ld_so_cache

NAME = "libfoo.so.1"
KNOWN = NodeFacts(page_size=4096, cpu_level="x86-64-v3", kernel=(6, 1, 0), runtime="containerd")


@dataclass(frozen=True)
class Case:
    """A program that starts.

    Attributes:
        files: The image's.
        command: Its entrypoint.
        overrides: What the pod says.
    """

    files: Files
    command: Sequence[str]
    overrides: Mapping[str, Any] = field(default_factory=dict)


def glibc(files: Files, *, version: str = "2.36", **options: Any) -> Files:
    app = glibc_program(**{"needed": [NAME, "libc.so.6"], **options})
    return {**debian(version=version), "app/p": app, **files}


def script(text: str) -> Files:
    return {
        **alpine(),
        "app/p": static_program(),
        "run.sh": tarball.program(f"#!/bin/sh\n{text}\n"),
    }


GOOD = library(NAME)
TEXT = tarball.text("no library\n" * 20)
LEVEL = lib("amd64", f"glibc-hwcaps/x86-64-v3/{NAME}")
STARTING: Mapping[str, Case] = {
    "static": Case({"app/p": static_program()}, ("/app/p",)),
    "along PATH": Case(
        {"opt/bin/p": static_program()}, ("p",), {"env": {"PATH": "/none:/opt/bin"}}
    ),
    "glibc": Case(glibc({lib("amd64", NAME): GOOD}), ("/app/p",)),
    "a library path": Case(
        glibc({f"opt/{NAME}": GOOD, lib("amd64", NAME): TEXT}),
        ("/app/p",),
        {"env": {"LD_LIBRARY_PATH": "/opt"}},
    ),
    "a cache": Case(
        glibc(
            {f"opt/{NAME}": GOOD, "etc/ld.so.cache": ld_so_cache("amd64", [(NAME, f"/opt/{NAME}")])}
        ),
        ("/app/p",),
    ),
    "a level's directory": Case(glibc({LEVEL: GOOD, lib("amd64", NAME): TEXT}), ("/app/p",)),
    "a tunable": Case(
        glibc({LEVEL: TEXT, lib("amd64", NAME): GOOD}),
        ("/app/p",),
        {"env": {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2"}},
    ),
    "a secure tunable": Case(
        glibc({f"bad/{NAME}": TEXT, lib("amd64", NAME): GOOD}, version="2.41"),
        ("/app/p",),
        {
            "env": {
                "GLIBC_TUNABLES": "glibc.rtld.enable_secure=1",
                "LD_LIBRARY_PATH": "/bad",
            }
        },
    ),
    "a preload": Case(
        glibc(
            {lib("amd64", NAME): GOOD, "opt/pre.so": library("pre.so", defined=["foo"])},
            undefined=["puts", "foo"],
        ),
        ("/app/p",),
        {"env": {"LD_PRELOAD": "/opt/pre.so"}},
    ),
    "an origin": Case(
        glibc({f"app/lib/{NAME}": GOOD}, runpath="$ORIGIN/lib"), ("p",), {"env": {"PATH": "/app"}}
    ),
    "a working directory": Case(
        glibc({f"srv/lib/{NAME}": GOOD, "srv/p": glibc_program()}, runpath="lib"),
        ("/app/p",),
        {"working_dir": "/srv"},
    ),
    "musl": Case(
        {**alpine(), f"usr/lib/{NAME}": GOOD, "app/p": musl_program(needed=[NAME])}, ("/app/p",)
    ),
    "musl's path file": Case(
        {
            **alpine(),
            "etc/ld-musl-x86_64.path": "/opt\n",
            f"opt/{NAME}": GOOD,
            "app/p": musl_program(needed=[NAME]),
        },
        ("/app/p",),
    ),
    "a set-user-ID program": Case(
        {
            **glibc({lib("amd64", NAME): replace(GOOD, mode=0o600)}),
            "app/p": replace(glibc_program(needed=[NAME, "libc.so.6"]), mode=0o4755),
        },
        ("/app/p",),
        {"user": 1000, "no_new_privileges": False},
    ),
    "a capability": Case(
        {"app/p": replace(static_program(), capability=tarball.capability(14))},
        ("/app/p",),
        {"capabilities": frozenset({"IPC_LOCK"}), "settled": True},
    ),
    "a group": Case(
        {"app/p": replace(static_program(), mode=0o750, gid=7)},
        ("/app/p",),
        {"user": 1000, "groups": frozenset({7})},
    ),
    "root of another's file": Case(
        {"app/p": replace(static_program(), mode=0o700, uid=1000)}, ("/app/p",), {"settled": True}
    ),
    "a script": Case(script('exec "$@"'), ("/run.sh",), {"args": ("/app/p",)}),
    "a script's variable": Case(
        script('exec "$PROGRAM"'), ("/run.sh",), {"env": {"PROGRAM": "/app/p"}}
    ),
    "a script's test": Case(script("[ -x /app/p ] && exec /app/p; exec /none"), ("/run.sh",)),
    "an interpreter's link": Case(
        {
            **script("exec /app/p"),
            "tool": tarball.program("#!/opt/sh\n"),
            "opt": tarball.link("bin"),
        },
        ("/tool",),
    ),
    "env": Case({**alpine(), "app/p": static_program()}, ("/usr/bin/env", "X=1", "/app/p"), {}),
}


def start(
    case: Case,
    files: Files,
    node: NodeFacts,
    overrides: Mapping[str, Any],
    *,
    explain: bool = False,
) -> Prediction:
    """Predict a case in an image of these files on a node of amd64."""
    image = ImageDefaults(entrypoint=tuple(case.command))
    pod, platform = Overrides(**overrides), Platform.parse("amd64")
    return predict(tree(files), image, pod, platform, node, explain=explain)
