"""What a hosting service is told: workflows that trust little, owners to be named, a container to work in."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.release.version import placeholders

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SCRIPTS = re.compile(r"(?:^|\s)(\.ci/\w+|make [a-z-]+)")


def _jobs(workflow: Path) -> dict[str, Any]:
    jobs: dict[str, Any] = yaml.safe_load(workflow.read_text())["jobs"]
    return jobs


def _steps(workflow: Path) -> Iterator[dict[str, Any]]:
    for job in _jobs(workflow).values():
        yield from job["steps"]


def test_there_is_a_workflow() -> None:
    assert [path.name for path in WORKFLOWS] == ["release.yml"]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit_and_name_their_version(workflow: Path) -> None:
    lines = [line for line in workflow.read_text().splitlines() if "uses:" in line]
    assert lines
    for line in lines:
        assert re.search(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_jobs_may_read_the_code_and_one_may_write_packages(workflow: Path) -> None:
    assert yaml.safe_load(workflow.read_text())["permissions"] == {}
    rights = [job["permissions"] for job in _jobs(workflow).values()]
    assert all(right.pop("contents") == "read" for right in rights)
    assert [right for right in rights if right] == [{"packages": "write"}]
    for step in _steps(workflow):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_no_expression_is_pasted_into_a_script(workflow: Path) -> None:
    assert not [step for step in _steps(workflow) if "${{" in step.get("run", "")]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_the_commands_are_those_of_this_repository(workflow: Path) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    scripts = "\n".join(step.get("run", "") for step in _steps(workflow))
    named = SCRIPTS.findall(scripts)
    assert {"make release", "make publish", ".ci/run"} <= set(named)
    for each in named:
        word = each.removeprefix("make ")
        assert word in targets or (ROOT / word).exists()
    for script in (step["run"] for step in _steps(workflow) if "run" in step):
        subprocess.run(["bash", "-n", "-c", script], check=True)


def test_actionlint_finds_nothing() -> None:
    built = subprocess.run([ROOT / ".ci" / "actionlint"], capture_output=True, check=False)
    if built.returncode:
        pytest.skip("no actionlint: .ci/actionlint builds it (needs Go)")
    command = [built.stdout.decode().strip(), "-no-color", *map(str, WORKFLOWS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_release_refuses_owners_that_nobody_has_named() -> None:
    owners = [line for line in placeholders() if line.startswith(".github/CODEOWNERS:")]
    assert len(owners) == 3


def test_a_release_refuses_addresses_that_nobody_has_named() -> None:
    places = {line.partition(":")[0] for line in placeholders()}
    assert {"pyproject.toml", "charts/elfgate/Chart.yaml"} <= places


def test_the_container_to_work_in_is_built_from_what_is_here() -> None:
    folder = ROOT / ".devcontainer"
    about = json.loads((folder / "devcontainer.json").read_text())
    assert (folder / about["build"]["dockerfile"]).exists()
    assert about["postCreateCommand"] == "make setup"
