"""What ``scan`` is told of a pod and of a node."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.elf_file import elf_file, musl_loader

Run = Callable[..., Any]  # a finished process


@pytest.fixture
def rootfs(tmp_path: Path) -> Path:
    """A root with static programs: two that their owner or group may execute, and one of another machine."""
    folder = tmp_path / "rootfs"
    (folder / "app").mkdir(parents=True)
    for name, machine, mode in (
        ("own", "amd64", 0o744),
        ("shared", "amd64", 0o654),
        ("foreign", "s390x", 0o755),
    ):
        (folder / "app" / name).write_bytes(elf_file(machine, type=2))
        (folder / "app" / name).chmod(mode)
    return folder


@pytest.mark.parametrize(
    ("words", "verdict"),
    [
        (["--", "/app/own"], "starts"),
        (["--user", "54321:54321", "--", "/app/own"], "cannot-start"),
        (["--user", str(os.getuid()), "--", "/app/own"], "starts"),
        (
            [
                "--user",
                "54321:54321",
                "--group",
                "54323",
                "--group",
                str(os.getgid()),
                "--",
                "/app/shared",
            ],
            "starts",
        ),
        (["--user", "54321:54321", "--group", "54323", "--", "/app/shared"], "cannot-start"),
        (["--", "./own"], "cannot-start"),
        (["--working-dir", "/app", "--", "./own"], "starts"),
        (["--volume", "/app", "--", "/app/own"], "unknown"),
        (["--", "/app/foreign"], "cannot-start"),
        (["--emulates", "arm64", "--emulates", "s390x", "--", "/app/foreign"], "starts"),
    ],
)
def test_scan_is_told_what_a_pod_and_a_node_would_say(
    elfgate: Run, rootfs: Path, words: list[str], verdict: str
) -> None:
    ran = elfgate("scan", f"dir:{rootfs}", "--platform", "amd64", "-o", "json", *words)
    assert json.loads(ran.stdout)["platforms"][0]["verdict"] == verdict


def test_scan_is_told_whether_privileges_may_be_gained(elfgate: Run, tmp_path: Path) -> None:
    """A set-user-ID program does not heed LD_LIBRARY_PATH, unless it gains nothing by that."""
    folder = tmp_path / "rootfs"
    program = elf_file("amd64", interp="/lib/ld-musl-x86_64.so.1", needed=["liba.so"])
    files = {
        "lib/ld-musl-x86_64.so.1": musl_loader("amd64"),
        "app/x": program,
        "opt/liba.so": elf_file("amd64"),
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        path.chmod(0o4755)
    words = [
        f"dir:{folder}",
        "--platform",
        "amd64",
        "--user",
        "54321",
        "--env",
        "LD_LIBRARY_PATH=/opt",
        "-o",
        "json",
    ]
    verdicts = {}
    for allowed in ("true", "false"):
        ran = elfgate("scan", *words, "--allow-privilege-escalation", allowed, "--", "/app/x")
        verdicts[allowed] = json.loads(ran.stdout)["platforms"][0]["verdict"]
    assert verdicts == {"true": "cannot-start", "false": "starts"}
