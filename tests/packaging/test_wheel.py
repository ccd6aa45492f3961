"""The wheel that users install: built from the sdist, complete, and working with the sources away."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from support import founding

ROOT = Path(__file__).parents[2]


def run(
    *command: str, cwd: Path, env: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    ran = subprocess.run(
        command, capture_output=True, text=True, cwd=cwd, env=env, timeout=120, check=False
    )
    assert ran.returncode in {0, 1}, ran.stderr
    return ran


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``python -m build`` makes the sdist, and the wheel from it."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT), cwd=out)
    assert len(list(out.glob("*.tar.gz"))) == 1
    (found,) = out.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_the_wheel_has_the_policies_with_their_tests_and_cases(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    rules = [name for name in names if name.startswith("elfgate/policies/rules/")]
    shipped = {path.name for path in (ROOT / "policies" / "rules").glob("*/*.rego")}
    assert {Path(name).name for name in rules} == shipped
    assert "elfgate/policies/.manifest" in names
    cases = {f"elfgate/cases/{path.name}" for path in (ROOT / "tests" / "cases").glob("*.yaml")}
    assert cases <= set(names)
    assert "elfgate/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert any(name.endswith("licenses/NOTICE") for name in names)


def test_the_installed_program_judges_with_the_policies_that_it_brought(
    installed: Path, tmp_path: Path
) -> None:
    founding.write(tmp_path / "layout")
    (tmp_path / "pod.yaml").write_text(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: example/server:2}]}\n"
    )
    env = {**os.environ, "PYTHONPATH": str(installed)}
    where = run(
        sys.executable, "-c", "import elfgate; print(elfgate.__file__)", cwd=tmp_path, env=env
    ).stdout
    assert where.startswith(str(installed))
    override = ["--image", "example/server:2=oci:layout:2", "--store", str(tmp_path / "facts.db")]
    ran = run(
        sys.executable,
        "-m",
        "elfgate",
        "check",
        "pod.yaml",
        "--arch",
        "s390x",
        *override,
        cwd=tmp_path,
        env=env,
    )
    assert ran.returncode == 1
    assert "cannot start on s390x" in ran.stdout
