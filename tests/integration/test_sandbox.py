"""Programs that are really started: what becomes of them, and what they cannot do."""

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from elfgate.trial.sandbox import Sandbox, SandboxError
from elfgate.trial.start import Outcome, Start
from support.compiled import compiled, foreign, qemu, startable

pytestmark = pytest.mark.skipif(platform.machine() != "x86_64", reason="starts amd64's programs")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    startable()
    with Sandbox("amd64") as entered:
        yield entered


@pytest.fixture(scope="module")
def root(sandbox: Sandbox) -> Path:
    folder = sandbox.scratch / "root-of-tests"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "tool").write_bytes(compiled())
    (folder / "bin" / "tool").chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def asked(root: Path) -> Start:
    return Start((str(root),), ("/bin/tool",), timeout=10.0)


def began(sandbox: Sandbox, asked: Start, *words: str, **changes: object) -> Outcome:
    return sandbox.start(replace(asked, argv=("/bin/tool", *words), **changes))  # type: ignore[arg-type]


def test_a_program_ends_with_its_own_status(sandbox: Sandbox, asked: Start) -> None:
    outcome = began(sandbox, asked, "exit", "7")
    assert (outcome.status, outcome.signal, outcome.failed) == (7, "", "")


def test_a_program_that_crashes_is_ended_by_its_signal(sandbox: Sandbox, asked: Start) -> None:
    assert began(sandbox, asked, "crash").signal == "SIGSEGV"


def test_a_program_that_is_missing_is_the_kernels_enoent(sandbox: Sandbox, asked: Start) -> None:
    outcome = sandbox.start(replace(asked, argv=("/bin/none",)))
    assert (outcome.errno, outcome.culprit) == ("ENOENT", "command")


def test_a_program_that_sleeps_is_ended_when_its_time_is_up(sandbox: Sandbox, asked: Start) -> None:
    outcome = began(sandbox, asked, "sleep", timeout=0.5)
    assert outcome.timed_out
    assert (outcome.status, outcome.signal) == (None, "")
    assert 0.5 <= outcome.seconds < 5


def test_of_output_without_end_the_beginning_is_kept(sandbox: Sandbox, asked: Start) -> None:
    outcome = began(sandbox, asked, "loud", timeout=0.5, output=200)
    assert outcome.timed_out
    assert outcome.stdout == ("again and again\n" * 20)[:200]


def test_a_program_that_forks_without_end_is_ended(sandbox: Sandbox, asked: Start) -> None:
    outcome = began(sandbox, asked, "breed", processes=64)
    assert outcome.exceeded == "64 processes"
    assert began(sandbox, asked, "exit", "0").status == 0


def test_a_program_that_takes_memory_without_end_is_ended(sandbox: Sandbox, asked: Start) -> None:
    assert began(sandbox, asked, "eat", memory=64 << 20).exceeded == "64 MiB of memory"


@pytest.mark.parametrize(
    ("words", "ready"),
    [
        (("tcp", "8080"), "tcp:8080"),
        (("http", "8080"), "http:8080/healthz"),
        (("say", "listening on 8080"), "log:ing on"),
    ],
)
def test_a_program_is_ready_when_it_answers(
    sandbox: Sandbox, asked: Start, words: tuple[str, ...], ready: str
) -> None:
    outcome = began(sandbox, asked, *words, ready=ready)
    assert outcome.ready
    assert 1 <= outcome.seconds < 9


@pytest.mark.parametrize(
    ("words", "ready"),
    [(("ill", "8080"), "http:8080/"), (("tcp", "8081"), "tcp:8080"), (("say", "no"), "log:yes")],
)
def test_a_program_is_not_ready_that_answers_otherwise(
    sandbox: Sandbox, asked: Start, words: tuple[str, ...], ready: str
) -> None:
    outcome = began(sandbox, asked, *words, ready=ready, timeout=2.0)
    assert (outcome.ready, outcome.timed_out) == (False, True)


def test_a_container_has_no_network_but_its_own(sandbox: Sandbox, asked: Start) -> None:
    lines = began(sandbox, asked, "show", "/proc/net/dev").stdout.splitlines()
    assert [line.split(":")[0].strip() for line in lines[2:]] == ["lo"]


def test_a_container_sees_no_process_of_the_hosts(sandbox: Sandbox, asked: Start) -> None:
    names = began(sandbox, asked, "list", "/proc", first=True).stdout.split()
    assert [name for name in names if name.isdecimal()] == ["1"]


def test_a_container_reads_nothing_of_the_callers_environment(
    sandbox: Sandbox, asked: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOKEN", "s3cret")
    with Sandbox("amd64") as entered:
        shown = began(entered, asked, "show", "/proc/1/environ").stdout
        assert began(entered, asked, "who", "TOKEN").stdout == "2 0:0 \n"
    assert "s3cret" not in shown


def test_a_container_sees_the_images_files_alone(sandbox: Sandbox, asked: Start) -> None:
    names = set(began(sandbox, asked, "list", "/").stdout.split())
    assert names == {".", "..", "bin", "dev", "proc", "sys"}
    for path in ("/proc/1/root", "/proc/1/cwd", "/proc/self/root"):
        assert "usr" not in began(sandbox, asked, "list", path).stdout.split()


def test_what_is_written_is_lost(sandbox: Sandbox, asked: Start, root: Path) -> None:
    assert began(sandbox, asked, "put", "/written").status == 0
    assert not (root / "written").exists()
    assert began(sandbox, asked, "show", "/written").status == 9


def test_a_read_only_root_cannot_be_written_to(sandbox: Sandbox, asked: Start) -> None:
    assert began(sandbox, asked, "put", "/written", read_only=True).status == 9
    shared = "/dev/shm/written"
    assert began(sandbox, asked, "put", shared, read_only=True).status == 0


def test_more_is_not_written_than_there_is_room_for(sandbox: Sandbox, asked: Start) -> None:
    assert began(sandbox, asked, "put", "/written", disk=16384).status == 9


@pytest.mark.parametrize(("path", "room"), [("/dev/shm/a", "64"), ("/data/a", "2")])
def test_what_is_mounted_has_bounds_too(
    sandbox: Sandbox, asked: Start, path: str, room: str
) -> None:
    filled = began(sandbox, asked, "fill", path, disk=2 << 20, volumes=(("", "/data"),))
    assert filled.stdout.strip() == room


def test_a_volume_hides_what_the_image_has(sandbox: Sandbox, asked: Start) -> None:
    shown = began(sandbox, asked, "list", "/bin", volumes=(("", "/data"),))
    assert shown.stdout.split().count("tool") == 1
    hidden = sandbox.start(replace(asked, volumes=(("", "/bin"),)))
    assert hidden.errno == "ENOENT"


def test_a_file_is_there_that_the_runtime_writes(sandbox: Sandbox, asked: Start) -> None:
    hosts = "127.0.0.1 localhost\n"
    shown = began(sandbox, asked, "show", "/etc/hosts", files=(("/etc/hosts", hosts),))
    assert shown.stdout == hosts


@pytest.mark.skipif(os.geteuid() != 0, reason="only root maps several users")
def test_a_program_is_started_as_its_user(sandbox: Sandbox, asked: Start) -> None:
    assert began(sandbox, asked, "who", user="1000:2000").stdout == "2 1000:2000 \n"


@pytest.mark.parametrize("first", [True, False])
def test_a_program_has_the_capabilities_that_it_is_given(
    sandbox: Sandbox, asked: Start, first: bool
) -> None:
    shown = began(sandbox, asked, "show", "/proc/self/status", capabilities=(0, 10), first=first)
    told = dict(line.split(":\t") for line in shown.stdout.splitlines() if line.startswith("Cap"))
    assert int(told["CapEff"], 16) == int(told["CapBnd"], 16) == 1 | 1 << 10


@pytest.mark.parametrize("first", [True, False])
def test_a_program_leads_its_session(sandbox: Sandbox, asked: Start, first: bool) -> None:
    assert began(sandbox, asked, "leads", first=first).status == 0


def test_root_of_a_container_is_nobody_to_the_host(sandbox: Sandbox, asked: Start) -> None:
    shown = began(sandbox, asked, "show", "/proc/self/uid_map").stdout.split()
    assert shown[:1] == ["0"]
    assert int(shown[1]) == os.geteuid() or int(shown[1]) > 1_000_000_000
    assert began(sandbox, asked, "put", "/proc/sys/kernel/core_pattern").status == 9


@pytest.mark.parametrize("name", ["proc", "dev", "sys", "etc"])
def test_a_link_of_the_image_leads_nowhere_else(
    sandbox: Sandbox, asked: Start, tmp_path: Path, name: str
) -> None:
    tmp_path.chmod(0o777)
    outside = tmp_path / "outside"
    outside.mkdir(mode=0o777)
    upper = sandbox.scratch / f"linked-{name}"
    upper.mkdir()
    (upper / name).symlink_to(outside)
    layers = (str(upper), *asked.layers)
    outcome = began(
        sandbox, asked, "exit", "3", layers=layers, files=(("/etc/hosts", ""),), cwd=f"/{name}/x"
    )
    assert list(outside.iterdir()) == []
    assert outcome.status == 3 or outcome.failed


def test_another_architectures_program_is_refused(
    sandbox: Sandbox, asked: Start, root: Path
) -> None:
    (root / "bin" / "other").write_bytes(foreign("arm64"))
    (root / "bin" / "other").chmod(0o755)
    assert sandbox.start(replace(asked, argv=("/bin/other",))).errno == "ENOEXEC"


def test_an_emulated_node_runs_its_own_programs_and_no_others(asked: Start) -> None:
    startable()
    with Sandbox("arm64", qemu) as entered:
        folder = entered.scratch / "root-of-tests"
        folder.mkdir()
        for name, data in (("own", foreign("arm64")), ("host", compiled())):
            (folder / name).write_bytes(data)
            (folder / name).chmod(0o755)
        start = replace(asked, layers=(str(folder),))
        own = entered.start(replace(start, argv=("/own", "a", "b")))
        host = entered.start(replace(start, argv=("/host",)))
    assert (own.status, own.stderr) == (2, "started\n")
    assert host.errno == "ENOEXEC"


def test_a_kernel_without_namespaces_is_told_of_in_one_line() -> None:
    startable()
    program = (
        "from elfgate.trial.sandbox import Sandbox\n"
        "try:\n    Sandbox('amd64').__enter__()\n"
        "except Exception as error:\n    print(type(error).__name__, error)\n"
    )
    script = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"'
    forbidden = ["unshare", "--user", "--map-root-user", "sh", "-c", script, "sh"]
    ran = subprocess.run(
        [*forbidden, sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert ran.stdout.startswith("SandboxError this kernel allows no namespaces"), ran
    assert ran.stdout.count("\n") == 1


def test_a_worker_that_is_gone_is_an_error() -> None:
    startable()
    with Sandbox("amd64") as entered:
        assert entered._worker is not None
        entered._worker.kill()
        entered._worker.wait()
        with pytest.raises(SandboxError, match="the sandbox's worker ended"):
            entered.start(Start(("/",), ("/none",)))
