"""The recipes for pipelines: their own commands, run on a project as its pipeline would."""

import json
import os
import re
import shutil
import site
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
RECIPES = ROOT / "docs" / "recipes"
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      image: example/server:2-alpine
"""
TEMPORARY = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


@pytest.fixture
def project(tmp_path: Path, layout: Path) -> Path:
    """A checkout whose pod cannot start on ppc64le."""
    folder = tmp_path / "project"
    (folder / "deploy").mkdir(parents=True)
    (folder / "deploy" / "pod.yaml").write_text(POD)
    image = f"example/server:2-alpine=oci:{layout}:2-alpine"
    (folder / ".elfgate.yaml").write_text(yaml.safe_dump({"check": {"image": [image]}}))
    return folder


def run(command: list[str], folder: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    store = {"ELFGATE_STORE": str(folder.parent / "facts.db")}
    environment = {**os.environ, **TEMPORARY, **store, **variables}
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def action() -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
    return told


def act(project: Path, args: str, sarif: str = "") -> "subprocess.CompletedProcess[str]":
    """Run the action's last step, with what a runner gives it."""
    step = action()["runs"]["steps"][-1]
    assert step["env"] == {"ARGS": "${{ inputs.args }}", "SARIF": "${{ inputs.sarif }}"}
    files = {name: str(project.parent / name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    given = {"ARGS": args, "SARIF": sarif, "RUNNER_TEMP": str(project.parent)}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    return run(command, project, **given, **files)


def test_the_action_annotates_and_fails_with_the_programs_code(project: Path) -> None:
    ran = act(project, "check deploy/ --arch 'ppc64le'", "elfgate.sarif")
    assert ran.returncode == 1, ran.stderr
    assert "::error file=deploy/pod.yaml,line=7," in ran.stdout
    assert (project.parent / "GITHUB_OUTPUT").read_text() == "exit-code=1\n"
    assert "loader" in (project.parent / "GITHUB_STEP_SUMMARY").read_text()
    assert json.loads((project / "elfgate.sarif").read_text())["version"] == "2.1.0"


def test_the_action_passes_what_starts(project: Path) -> None:
    ran = act(project, "check deploy/ --arch amd64")
    assert ran.returncode == 0, ran.stderr
    assert (project.parent / "GITHUB_OUTPUT").read_text() == "exit-code=0\n"


def test_the_action_expands_nothing_of_its_words(project: Path) -> None:
    ran = act(project, "check $(touch${IFS}made) `touch made` deploy/* --arch amd64")
    assert ran.returncode == 2
    assert not (project / "made").exists()


def test_the_action_installs_what_is_there_and_pastes_no_expression() -> None:
    install, *_ = (step["run"] for step in action()["runs"]["steps"])
    assert "--require-hashes" in install
    assert (ROOT / "requirements" / "runtime.txt").is_file()
    assert not [step for step in action()["runs"]["steps"] if "${{" in step["run"]]


def test_the_gitlab_job_leaves_its_reports(project: Path) -> None:
    job = yaml.safe_load((RECIPES / "gitlab.yml").read_text())["elfgate"]
    variables = job["variables"] | {"ELFGATE_ARCH": "amd64,ppc64le", "ELFGATE_FAIL_ON": "warning"}
    ran = run(["sh", "-ec", "\n".join(job["script"])], project, **variables)
    assert ran.returncode == 1, ran.stderr
    assert "warning" in ran.stdout
    reports = job["artifacts"]["reports"]
    (found,) = json.loads((project / reports["codequality"]).read_text())
    assert found["location"] == {"path": "deploy/pod.yaml", "lines": {"begin": 7}}
    assert (project / reports["junit"]).read_text().startswith("<?xml")


def test_the_tekton_task_takes_its_parameters(project: Path) -> None:
    task = yaml.safe_load((RECIPES / "tekton.yaml").read_text())
    given = {each["name"]: each.get("default") for each in task["spec"]["params"]}
    given |= {"arch": "ppc64le"}
    (step,) = task["spec"]["steps"]
    words = [word for each in step["args"] for word in _filled(each, given)]
    ran = run([*step["command"], *words], project)
    assert ran.returncode == 1, ran.stderr
    assert "denied" in ran.stdout


def _filled(word: str, given: dict[str, Any]) -> list[str]:
    """A word with parameters in it, as Tekton replaces them."""
    name = word.removeprefix("$(params.").removesuffix(")")
    if name == word:
        return [word]
    value = given[name.removesuffix("[*]")]
    return value if isinstance(value, list) else [value]


def test_the_hook_runs_under_the_real_pre_commit(project: Path, tmp_path: Path) -> None:
    """The hook's environment is built from this checkout; its libraries are those of this environment, so that
    nothing is fetched."""
    program = Path(sys.executable).with_name("pre-commit")
    if not program.exists():
        pytest.skip("no pre-commit: make setup installs it")
    hooks = _repository(tmp_path / "hooks")
    configured = {
        "repos": [
            {
                "repo": str(hooks),
                "rev": _git(hooks, "rev-parse", "HEAD").strip(),
                "hooks": [{"id": "elfgate-check", "args": ["--arch", "ppc64le"]}],
            }
        ]
    }
    (project / ".pre-commit-config.yaml").write_text(yaml.safe_dump(configured))
    _git(project, "init", "--quiet")
    _git(project, "add", "deploy")
    ran = run(
        [str(program), "run", "--all-files"],
        project,
        PRE_COMMIT_HOME=str(tmp_path / "pre-commit"),
        PYTHONPATH=os.pathsep.join(site.getsitepackages()),
        PIP_NO_DEPS="1",
        PIP_NO_INDEX="1",
        PIP_NO_BUILD_ISOLATION="0",  # pip's own spelling of yes
    )
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "deploy/pod.yaml:1: Pod default/web: denied" in ran.stdout
    assert ".elfgate.yaml" not in ran.stdout


def _repository(folder: Path) -> Path:
    """The hook and what it is built from, as a repository of their own."""
    folder.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("webhook", "policies", "tests/cases"):
        shutil.copytree(ROOT / name, folder / name)
    _git(folder, "init", "--quiet")
    _git(folder, "add", ".")
    _git(folder, "commit", "--quiet", "--message", "Add the hook")
    return folder


def _git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.invalid")
    done = subprocess.run(
        ["git", *identity, *words], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout


PAGE = (ROOT / "docs" / "compare.md").read_text()
OLD, NEW = "2-debian", "2-alpine"


def _images(layout: Path) -> dict[str, str]:
    """The variable that says where a page's images are to be had."""
    pairs = (f"example/server:{tag}=oci:{layout}:{tag}" for tag in (OLD, NEW))
    return {"ELFGATE_IMAGE": " ".join(pairs)}


def test_renovates_command_fails_an_update_that_loses_a_platform(
    project: Path, layout: Path
) -> None:
    """As Renovate fills its template, and lets its administrator's pattern allow it."""
    (template,) = re.findall(r'^ *"(elfgate compare \{\{\{.*)",$', PAGE, re.MULTILINE)
    (allowed,) = re.findall(r'allowedCommands: \["(.*)"\]', PAGE)
    filled = {"depName": "example/server", "currentValue": OLD, "newValue": NEW}
    command = re.sub(r"\{\{\{(\w+)\}\}\}", lambda name: filled[name[1]], template)
    assert re.search(allowed, command)
    lost = command.replace("linux/arm64", "linux/ppc64le")
    assert run(["sh", "-c", command], project, **_images(layout)).returncode == 0
    assert run(["sh", "-c", lost], project, **_images(layout)).returncode == 1


def test_dependabots_workflow_writes_its_summary(project: Path, layout: Path) -> None:
    (text,) = re.findall(r"```yaml\n(# \.github.*?)```", PAGE, re.DOTALL)
    *_, step = yaml.safe_load(text)["jobs"]["compare"]["steps"]
    summary = project.parent / "summary"
    given = {"NAME": "example/server", "OLD": OLD, "NEW": NEW, "GITHUB_STEP_SUMMARY": str(summary)}
    assert step["env"].keys() == given.keys() - {"GITHUB_STEP_SUMMARY"}
    ran = run(["bash", "-ec", step["run"]], project, **given, **_images(layout))
    assert ran.returncode == 1, ran.stderr
    assert "| linux/ppc64le | starts | cannot start | lost" in summary.read_text()
