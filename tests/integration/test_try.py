"""``elfgate try`` and ``elfgate verify`` as a person uses them, on real images that are really started."""

import json
import platform
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from support import oci
from support.compiled import TOOL, compiled, foreign, qemu, startable
from support.tarball import Content, program, tarball, text

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="starts amd64's programs")

DOCS = Path(__file__).parents[2] / "docs" / "try.md"
DYNAMIC = "int main(void) { return 0; }"
LIAR = """#include <stdio.h>
int main(void) {
	fputs("app: error while loading shared libraries: libx.so: cannot open shared object file\\n", stderr);
	return 127;
}"""
POD = """
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
  - {name: app, image: "registry.example/app:1", args: [exit, "0"]}
"""
Ran = "subprocess.CompletedProcess[str]"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


def image(content: Content, **more: object) -> oci.Blob:
    return oci.image([tarball(content)], entrypoint=["/bin/app"], **more)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    startable()
    folder = tmp_path_factory.mktemp("try")
    tool, dynamic = program(compiled(TOOL)), compiled(DYNAMIC, "-O1")
    libraries = {
        path: program(Path(path).read_bytes())
        for path in ("/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6")
        if Path(path).exists()
    }
    arm = image({"bin/app": program(foreign("arm64"))}, platform="linux/arm64")
    images = {
        "1": image({"bin/app": tool, "srv/a": "b"}),
        "1-scratch": image({"bin/app": program(dynamic)}),
        "1-debian": image({"bin/app": program(dynamic), **libraries}),
        "1-script": image({"bin/app": text("#!/bin/run exit\n", 0o755), "bin/run": tool}),
        "1-lost": image({"bin/app": text("#!/bin/gone\n", 0o755)}),
        "both": oci.index([image({"bin/app": tool}), arm]),
        "label": image({"bin/app": tool}, platform="linux/arm64"),
        "lie": image({"bin/app": program(compiled(LIAR))}, env=["PATH=/bin", "TOKEN=hunter2"]),
    }
    oci.write_layout(folder / "app", images)
    (folder / "pod.yaml").write_text(POD)
    (folder / "reports").mkdir()
    return folder


@pytest.fixture
def elfgate(place: Path, tmp_path: Path) -> Run:
    def run(*words: str, path: str = "/usr/bin:/bin") -> "subprocess.CompletedProcess[str]":
        verb, *others = words
        store = ["--store", str(tmp_path / "facts.db")] if verb == "try" else []
        return subprocess.run(
            [sys.executable, "-m", "elfgate", verb, *store, *others],
            capture_output=True,
            text=True,
            cwd=place,
            env={"PATH": path, "HOME": str(tmp_path)},
            timeout=300,
            check=False,
        )

    return run


def starts(ran: "subprocess.CompletedProcess[str]") -> list[dict[str, object]]:
    assert ran.returncode in {0, 1, 3}, ran.stderr
    found: list[dict[str, object]] = json.loads(ran.stdout)["starts"]
    return found


@pytest.mark.parametrize(
    ("tag", "state", "code"),
    [
        ("1", "started", None),
        ("1-debian", "started", None),
        ("1-script", "started", None),
        ("1-scratch", "failed", "loader_missing"),
        ("1-lost", "failed", "script_interpreter_missing"),
    ],
)
def test_what_happens_is_what_was_predicted(elfgate: Run, tag: str, state: str, code: str) -> None:
    (start,) = starts(elfgate("try", f"oci:app:{tag}", "-o", "json"))
    assert (start["state"], start["code"], start["agreement"]) == (state, code, "agrees")
    assert start["contradicts"] is False


def test_a_folder_is_started_and_stays_as_it_is(elfgate: Run, tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "bin").mkdir(parents=True)
    (root / "bin" / "app").write_bytes(compiled(TOOL))
    (root / "bin" / "app").chmod(0o755)
    words = ["--platform", "amd64", "-o", "json", "--", "/bin/app", "put", "/bin/new"]
    (start,) = starts(elfgate("try", f"dir:{root}", *words))
    assert start["state"] == "started"
    assert [path.name for path in root.rglob("*")] == ["bin", "app"]


def test_the_pods_user_environment_and_volumes_count(elfgate: Run) -> None:
    words = ["--env", "A=b", "--user", "7:8", "-o", "json", "--", "/bin/app", "who", "A"]
    (start,) = starts(elfgate("try", "oci:app:1", *words))
    assert start["stdout"] == "1 7:8 b\n"
    words = ["--volume", "/srv", "--expect", "9", "-o", "json", "--", "/bin/app", "show", "/srv/a"]
    (start,) = starts(elfgate("try", "oci:app:1", *words))
    assert start["state"] == "started"


def test_a_program_that_answers_is_ready(elfgate: Run) -> None:
    words = ["--ready", "http:8080/healthz", "--for", "20", "-o", "json"]
    (start,) = starts(elfgate("try", "oci:app:1", *words, "--", "/bin/app", "http", "8080"))
    assert start["state"] == "started"
    assert str(start["words"]).startswith("answered http:8080/healthz after 1.")


def test_another_architecture_is_run_by_an_installed_qemu(elfgate: Run, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "qemu-aarch64-static").symlink_to(qemu("arm64"))
    path = f"{tmp_path}/bin:/usr/bin:/bin"
    ran = elfgate("try", "oci:app:both", "-o", "json", path=path)
    assert ran.returncode == 0
    assert [(each["platform"], each["state"]) for each in starts(ran)] == [
        ("linux/amd64", "started"), ("linux/arm64", "started"),
    ]  # fmt: skip
    (wrong,) = starts(elfgate("try", "oci:app:label", "-o", "json", path=path))
    assert (wrong["state"], wrong["code"]) == ("failed", "exec_format")
    assert wrong["agreement"] == "agrees"


def test_a_machine_without_qemu_names_the_package(elfgate: Run) -> None:
    only = elfgate("try", "oci:app:label", path="/nowhere")
    assert only.returncode == 2
    assert only.stderr.count("\n") == 1
    assert "install the package qemu-user-static" in only.stderr
    some = elfgate("try", "oci:app:both", path="/nowhere")
    assert some.returncode == 3
    assert "install the package qemu-user-static" in some.stdout


def test_a_platform_that_is_not_offered_did_not_start(elfgate: Run) -> None:
    (start,) = starts(elfgate("try", "oci:app:both", "--platform", "s390x", "-o", "json"))
    assert start["state"] == "failed"
    assert "has nothing for linux/s390x" in str(start["words"])


def test_a_wrong_prediction_is_told_as_a_bug_and_repeated_from_its_report(
    elfgate: Run, tmp_path: Path
) -> None:
    file = str(tmp_path / "lie.json")
    ran = elfgate("try", "oci:app:lie", "--report", file)
    assert ran.returncode == 1
    assert f"which is a bug of elfgate: please report it with {file}" in ran.stdout
    assert "hunter2" not in Path(file).read_text()
    again = elfgate("verify", "--against", file, "-o", "json")
    assert again.returncode == 1
    (report,) = json.loads(again.stdout)["reports"]
    assert (report["code"], report["agreement"]) == ("library_missing", "false start")


def test_junit_has_a_failure_for_what_did_not_start(elfgate: Run) -> None:
    ran = elfgate("try", "oci:app:1", "oci:app:1-scratch", "-o", "junit")
    assert ran.returncode == 1
    assert 'tests="2"' in ran.stdout
    assert ran.stdout.count("<failure") == 1
    assert "loader_missing" in ran.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no image and no manifest is named"),
        (["oci:app:1", "-f", "pod.yaml"], "both images and manifests are named"),
        (["oci:app:1", "--ready", "udp:1"], "is not tcp:PORT"),
        (["oci:app:1", "--ready", "tcp:1", "--expect", "0"], "give one of them"),
        (["oci:app:1", "--for", "0"], "is not between 0 and 3600 seconds"),
        (["oci:app:none"], "no image named 'none'"),
        (["-f", "none.yaml"], "No such file"),
    ],
)
def test_bad_usage_is_told_in_one_line(elfgate: Run, words: list[str], said: str) -> None:
    ran = elfgate("try", *words)
    assert ran.returncode == 2
    assert said in ran.stderr
    assert ran.stderr.count("\n") == 1


def _examples() -> Sequence[tuple[str, str]]:
    """Each command of the docs, and what it prints."""
    blocks = re.findall(r"```console\n(.*?)```", DOCS.read_text(), re.DOTALL)
    parts = [part for block in blocks for part in block.split("$ ")[1:]]
    return [(part.partition("\n")[0], part.partition("\n")[2]) for part in parts]


@pytest.mark.parametrize(("command", "printed"), _examples())
def test_the_docs_examples_print_what_the_docs_say(
    elfgate: Run, place: Path, command: str, printed: str
) -> None:
    if command == "elfgate verify --against reports":
        elfgate("try", "oci:app:1", "--platform", "linux/amd64", "--report", "reports/app.json")
    _, *words = shlex.split(command)
    assert elfgate(*words).stdout == printed
