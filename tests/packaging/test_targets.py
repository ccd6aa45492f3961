"""A target on a fresh machine builds what it needs, or says in a line what to install."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TARGETS = re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
BUILDERS = [
    [".ci/opa"],
    [".ci/helm", "3"],
    [".ci/helm", "4"],
    [".ci/cosign"],
    [".ci/registry"],
    [".ci/shfmt"],
    [".ci/actionlint"],
    ["tests/e2e/cluster/build"],
    ["tests/e2e/cluster/build", "1.35"],
]


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine that has nothing but a shell and its tools."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("bash", "cat", "dirname", "head", "ls", "mkdir", "paste", "sed", "sort"):
        found = shutil.which(name)
        assert found
        (tools / name).symlink_to(found)
    return {"PATH": str(tools), "HOME": str(tmp_path)}


@pytest.mark.parametrize("command", BUILDERS, ids=" ".join)
def test_what_is_built_with_go_says_so_where_there_is_none(
    command: list[str], bare: dict[str, str]
) -> None:
    script, *words = command
    run = ["bash", str(ROOT / script), *words]
    done = subprocess.run(run, capture_output=True, text=True, check=False, env=bare)
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert "install Go 1.26 or newer" in line


def test_every_script_that_builds_with_go_is_tried_here() -> None:
    scripts = (path for path in (ROOT / ".ci").iterdir() if "go install" in path.read_text())
    assert {f".ci/{path.name}" for path in scripts} <= {command[0] for command in BUILDERS}


def test_a_minor_that_is_not_pinned_is_refused_with_those_that_are(bare: dict[str, str]) -> None:
    command = ["bash", str(ROOT / "tests/e2e/cluster/build"), "1.20"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=bare)
    assert (done.returncode, done.stderr) == (2, "no Kubernetes 1.20: 1.35 1.36 1.37\n")


@pytest.mark.parametrize("target", TARGETS)
def test_make_knows_how_to_make_every_target(target: str) -> None:
    done = subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_without_the_module_venv_setup_says_what_to_install(tmp_path: Path) -> None:
    command = ["make", "setup", "PYTHON=false", f"VENV={tmp_path}/venv"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "install Python 3.11 or later with its module venv" in done.stderr
