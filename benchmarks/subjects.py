"""Webhooks to measure.

Each a process on a core of its own, asked by the load generator from the other core.
"""

import http.client
import json
import os
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme

from reviews import HOLE, write_reviews

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "elfgate"
SERVER_CORE, LOAD_CORE = "0", "1"
RATES = (100, 300)
PATIENCE = 60.0  # seconds


@dataclass(frozen=True)
class Subject:
    """A subject of measurement.

    Attributes:
        name: What the table calls it.
        command: The server.
        port: On which it listens.
        path: Of reviews.
        options: The load generator's.
        env: The server's, besides our own.
        beside: What it needs on its core; its CPU counts too.
    """

    name: str
    command: Sequence[str]
    port: int
    path: str
    options: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    beside: Sequence[str] = ()

    @property
    def decides(self) -> bool:
        """Whether its verdicts are right ones."""
        return "-anyverdict" not in self.options


@dataclass(frozen=True)
class Serving:
    """A subject that has given its first verdict.

    Attributes:
        pids: Its processes.
        seconds: From its start to that verdict.
    """

    pids: tuple[int, ...]
    seconds: float


@dataclass(frozen=True)
class Bench:
    """A folder with certificates and reviews, and the load generator."""

    folder: Path
    load: Path

    @classmethod
    def prepare(cls, folder: Path) -> "Bench":
        """Make certificates and reviews, and build the load generator."""
        authority = trustme.CA()
        leaf = authority.issue_cert("127.0.0.1", "localhost")
        authority.cert_pem.write_to_path(str(folder / "ca.crt"))
        authority.private_key_pem.write_to_path(str(folder / "ca.key"))
        leaf.private_key_pem.write_to_path(str(folder / "tls.key"))
        leaf.cert_chain_pems[0].write_to_path(str(folder / "tls.crt"))
        write_reviews(folder / "reviews")
        write_reviews(folder / "anew", containers=f"-{HOLE}")
        write_reviews(folder / "starts", args=["server", HOLE], only="allow")
        write_reviews(folder / "fails", command=[f"/opt/{HOLE}"], only="deny")
        return cls(folder, built("load"))

    def measure(self, subject: Subject, seconds: float) -> dict[str, Any]:
        """One round of one subject: the load generator's figures by load, and ``start`` in seconds.

        Raises:
            SystemExit: if an answer is missing or wrong.
        """
        with self.process(subject) as serving:
            self.run(subject, serving, "-mode", "verify")
            duration = ("-d", f"{seconds}s")
            figures: dict[str, Any] = {
                "closed": json.loads(self.run(subject, serving, "-mode", "closed", *duration))
            }
            for rate in RATES:
                said = self.run(subject, serving, "-mode", "open", "-rate", str(rate), *duration)
                figures[f"{rate}"] = json.loads(said)
        bad = {load: each for load, each in figures.items() if each["errors"] or each["wrong"]}
        if bad:
            raise SystemExit(f"{subject.name}: {bad}")
        return figures | {"start": serving.seconds}

    @contextmanager
    def process(self, subject: Subject) -> Iterator[Serving]:
        """Run a subject until its first verdict, and then as long as the context lasts."""
        began = time.monotonic()
        with self.started(subject) as processes:
            self._until_it_judges(subject, processes[-1])
            yield Serving(tuple(each.pid for each in processes), time.monotonic() - began)

    @contextmanager
    def started(self, subject: Subject) -> Iterator[list[subprocess.Popen[bytes]]]:
        """Run a subject's processes on its core, the server last, as long as the context lasts."""
        with ExitStack() as stack:
            output = stack.enter_context(self._log(subject).open("wb"))
            beside = (
                [stack.enter_context(_pinned(subject.beside, {}, output))] if subject.beside else []
            )
            yield [*beside, stack.enter_context(_pinned(subject.command, subject.env, output))]

    def _log(self, subject: Subject) -> Path:
        return self.folder / f"{subject.name}.log".replace(" ", "-")

    def run(self, subject: Subject, serving: Serving, *options: str) -> str:
        """The load generator's figures of a subject that is served.

        Raises:
            SystemExit: if it fails.
        """
        url, pids = (
            f"https://127.0.0.1:{subject.port}{subject.path}",
            ",".join(map(str, serving.pids)),
        )
        command = [
            "taskset",
            "-c",
            LOAD_CORE,
            str(self.load),
            "-url",
            url,
            "-name",
            subject.name,
            "-pid",
            pids,
        ]
        command += [
            "-ca",
            str(self.folder / "ca.crt"),
            "-corpus",
            str(self.folder / "reviews"),
            *subject.options,
        ]
        done = subprocess.run([*command, *options], check=False, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{subject.name}: {done.stdout}{done.stderr}")
        return done.stdout

    def _until_it_judges(self, subject: Subject, process: subprocess.Popen[bytes]) -> None:
        """Ask about a pod that must be refused until it is.

        A webhook that has no policies yet admits it.
        """
        body, until = (
            (self.folder / "reviews" / "000.json").read_bytes(),
            time.monotonic() + PATIENCE,
        )
        trust = ssl.create_default_context(cafile=str(self.folder / "ca.crt"))
        while time.monotonic() < until and process.poll() is None:
            allowed = _verdict(subject, body, trust)
            if allowed is not None and (allowed is False or not subject.decides):
                return
            time.sleep(0.005)
        raise SystemExit(
            f"{subject.name} gives no verdict:\n{self._log(subject).read_text()[-2000:]}"
        )


@contextmanager
def _pinned(
    command: Sequence[str], env: Mapping[str, str], output: Any
) -> Iterator[subprocess.Popen[bytes]]:
    env = {**os.environ, "GOMAXPROCS": "1", "RUST_BACKTRACE": "0", **env}
    process = subprocess.Popen(
        ["taskset", "-c", SERVER_CORE, *command], stdout=output, stderr=output, env=env
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _verdict(subject: Subject, body: bytes, trust: ssl.SSLContext) -> bool | None:
    """Whether a review is admitted; None if there is no answer yet."""
    connection = http.client.HTTPSConnection("127.0.0.1", subject.port, context=trust, timeout=5)
    try:
        connection.request("POST", subject.path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return (
            bool(json.loads(answer.read())["response"]["allowed"])
            if answer.status == http.HTTPStatus.OK
            else None
        )
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()


def built(program: str) -> Path:
    """Build one of the Go programs, modules from the proxy, cached outside the checkout."""
    target = CACHE / "bench" / program
    caches = {"GOMODCACHE": str(CACHE / "go" / "mod"), "GOCACHE": str(CACHE / "go" / "build")}
    flags = {"GOFLAGS": "-buildvcs=false -trimpath -mod=readonly", "CGO_ENABLED": "0"}
    subprocess.run(
        ["go", "build", "-o", str(target), f"./{program}"],
        cwd=HERE / "go",
        env=os.environ | caches | flags,
        check=True,
    )
    return target


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
