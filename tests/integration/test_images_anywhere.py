"""The same image is judged the same wherever it is; a spoilt one is one line, exit 2, and nothing of it is kept."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from elfgate.store.sqlite import SqliteStore
from support import founding
from support.elf_file import elf_file
from support.oci import Blob, image, index, write_docker_archive, write_layout, write_oci_archive
from support.registry import Registry
from support.tarball import link, program, tarball

Run = Callable[..., "subprocess.CompletedProcess[str]"]
LAYER = "application/vnd.oci.image.layer.v1.tar"


@pytest.fixture
def scan(tmp_path: Path) -> Run:
    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        command = [
            sys.executable,
            "-m",
            "elfgate",
            "scan",
            "--store",
            str(tmp_path / "facts.db"),
            *words,
        ]
        return subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False
        )

    return run


def codes(ran: "subprocess.CompletedProcess[str]") -> dict[str, list[str]]:
    platforms = json.loads(ran.stdout)["platforms"]
    return {
        each["platform"]: [finding["code"] for finding in each["findings"]] for each in platforms
    }


EXPECTED: dict[str, list[str]] = {
    "linux/amd64": [],
    "linux/arm64": [],
    "linux/ppc64le": ["loader_missing"],
    "linux/s390x": ["loader_missing"],
}


def test_an_oci_archive_is_judged(scan: Run, tmp_path: Path) -> None:
    write_oci_archive(tmp_path / "app.tar", founding.images())
    assert codes(scan("oci-archive:app.tar:2-alpine", "-o", "json")) == EXPECTED


def test_what_docker_save_writes_is_judged(scan: Run, tmp_path: Path) -> None:
    layer = tarball({"server": program(founding.server("s390x"))})
    write_docker_archive(
        tmp_path / "app.tar",
        {"example/server:2": image([layer], platform="linux/s390x", entrypoint=["/server"])},
    )
    assert codes(scan("docker-archive:app.tar", "-o", "json")) == {
        "linux/s390x": ["loader_missing"]
    }


def test_an_image_in_a_registry_is_judged_and_then_known(scan: Run, tmp_path: Path) -> None:
    with Registry({"example/server": founding.images()}) as registry:
        reference = registry.reference("example/server:2-alpine")
        assert codes(scan(reference, "-o", "json")) == EXPECTED
        asked = len(registry.seen)
        assert codes(scan(reference, "-o", "json")) == EXPECTED
        assert [seen.method for seen in registry.seen[asked:]] == ["HEAD"]


def test_a_folder_is_judged_for_the_platform_that_is_named(scan: Run, tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "server").write_bytes(founding.server("ppc64le"))
    (tmp_path / "root" / "server").chmod(0o755)
    ran = scan("dir:root", "--platform", "linux/ppc64le", "-o", "json", "--", "/server")
    assert codes(ran) == {"linux/ppc64le": ["loader_missing"]}
    assert json.loads(ran.stdout)["digest"] is None


def test_an_index_without_the_platform_cannot_start_there(scan: Run, tmp_path: Path) -> None:
    write_layout(tmp_path / "layout", founding.images())
    ran = scan("oci:layout:2", "--platform", "riscv64", "-o", "json")
    assert ran.returncode == 1
    assert codes(ran) == {"linux/riscv64": ["platform_missing"]}


def test_a_label_that_lies_is_a_note_where_the_program_is_right(scan: Run, tmp_path: Path) -> None:
    layer = tarball({"app": program(elf_file("arm64", type=2))})
    made = image(
        [layer], platform="linux/arm64", entrypoint=["/app"], config={"architecture": "amd64"}
    )
    write_layout(tmp_path / "layout", {"1": index([made])})
    ran = scan("oci:layout", "-o", "json")
    assert ran.returncode == 0
    assert codes(ran) == {"linux/arm64": ["platform_label_wrong"]}


GOOD = tarball({"app": program(elf_file(type=2))})
SPOILT: dict[str, Blob] = {
    "a layer with a path through a file": image(
        [tarball([("etc", "x"), ("../etc/passwd", "x")])], entrypoint=["/app"]
    ),
    "a layer whose links lead round and round": image(
        [tarball([("a", link("b")), ("b", link("a")), ("a/x", "x")])], entrypoint=["/app"]
    ),
    "a layer cut off": image([GOOD[:560]], entrypoint=["/app"]),
    "a layer that is no tar": image([b"\xff" * 2048], entrypoint=["/app"]),
    "a layer of an unknown type": image([Blob("application/x-nothing", GOOD)], entrypoint=["/app"]),
    "a layer that is encrypted": image(
        [Blob(f"{LAYER}+gzip+encrypted", GOOD)], entrypoint=["/app"]
    ),
    "a manifest that is no object": Blob("application/vnd.oci.image.manifest.v1+json", b"[]"),
    "a manifest that is no JSON": Blob("application/vnd.oci.image.manifest.v1+json", b"{"),
    "a manifest of schema 1": Blob(
        "application/vnd.oci.image.manifest.v1+json", b'{"schemaVersion": 1}'
    ),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_spoilt_image_is_one_line_and_nothing_of_its_layers_is_kept(
    scan: Run, tmp_path: Path, what: str
) -> None:
    write_layout(tmp_path / "layout", {"1": SPOILT[what]})
    ran = scan("oci:layout", "--platform", "amd64")
    assert ran.returncode == 2
    assert ran.stdout == ""
    assert ran.stderr.count("\n") == 1
    assert ran.stderr.startswith("elfgate scan: ")
    store = SqliteStore(tmp_path / "facts.db")
    assert store.statistics()["layers"] == 0
    store.close()


def test_a_truncated_program_cannot_start_but_is_no_bad_input(scan: Run, tmp_path: Path) -> None:
    layer = tarball({"app": program(elf_file(type=2)[:40])})
    write_layout(tmp_path / "layout", {"1": image([layer], entrypoint=["/app"])})
    ran = scan("oci:layout", "-o", "json")
    assert ran.returncode == 1
    assert codes(ran) == {"linux/amd64": ["exec_format"]}


def test_a_program_that_is_a_loop_of_symlinks_is_missing(scan: Run, tmp_path: Path) -> None:
    write_layout(
        tmp_path / "layout", {"1": image([tarball({"app": link("app")})], entrypoint=["/app"])}
    )
    ran = scan("oci:layout", "-o", "json")
    assert ran.returncode == 1
    assert codes(ran) == {"linux/amd64": ["command_missing"]}


def test_a_platform_that_was_not_shipped_is_one_unknown_row(scan: Run, tmp_path: Path) -> None:
    """As ``docker save`` with containerd's image store: the index lists what the archive has not."""
    app = image([tarball({"app": program(elf_file("amd64", type=2))})], entrypoint=["/app"])
    other = image([tarball({"x": "y"})], platform="linux/arm64")
    write_layout(tmp_path / "app", {"1": index([app, other])})
    for blob in other.everything().values():
        (tmp_path / "app/blobs" / blob.digest.replace(":", "/")).unlink()
    ran = scan("oci:app")
    assert ran.returncode == 3, ran.stderr
    rows = ran.stdout.splitlines()
    assert rows[1].split()[:2] == ["linux/amd64", "starts"]
    assert rows[2].split()[:2] == ["linux/arm64", "unknown"]
    assert "is missing" in ran.stdout
    verdicts = json.loads(scan("oci:app", "-o", "json").stdout)["platforms"]
    assert [each["verdict"] for each in verdicts] == ["starts", "unknown"]
    assert scan("oci:app", "--platform", "linux/arm64").returncode == 2


def test_an_archive_comes_from_standard_input(tmp_path: Path) -> None:
    app = image([tarball({"app": program(elf_file("amd64", type=2))})], entrypoint=["/app"])
    write_docker_archive(tmp_path / "app.tar", {"app:1": app})
    for data in ((tmp_path / "app.tar").read_bytes(), b""):
        ran = subprocess.run(
            [sys.executable, "-m", "elfgate", "scan", "docker-archive:-"],
            input=data,
            env={**os.environ, "XDG_CACHE_HOME": str(tmp_path)},
            capture_output=True,
            check=False,
        )
        assert ran.returncode == (0 if data else 2), ran.stderr
    assert b"standard input is not a sound tar archive" in ran.stderr


def test_an_image_that_was_never_pushed_leaves_nothing_of_its_name(tmp_path: Path) -> None:
    app = image([tarball({"app": program(elf_file("amd64", type=2))})], entrypoint=["/app"])
    write_layout(tmp_path / "app", {"2": app})
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "app").write_bytes(elf_file("amd64", type=2))
    (tmp_path / "root" / "app").chmod(0o755)
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p"},
        "spec": {
            "containers": [
                {"name": "one", "image": "registry.example/app:2"},
                {"name": "two", "image": "registry.example/app:3", "command": ["/app"]},
            ]
        },
    }
    (tmp_path / "pod.json").write_text(json.dumps(pod))

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "elfgate", *words, "--store", "facts.db"]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    places = ("registry.example/app:2=oci:app:2", "registry.example/app:3=dir:root")
    options = [word for place in places for word in ("--image", place)]
    checked = run("check", "pod.json", "--arch", "amd64", *options)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    with contextlib.closing(SqliteStore(tmp_path / "facts.db")) as store:
        assert list(store.repositories()) == []
    assert run("cache", "export", "facts.zst").returncode == 0
    assert run("cache", "import", "facts.zst").returncode == 0
