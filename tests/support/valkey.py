"""A real Valkey or Redis server of this machine, for as long as a test needs it."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError

_PROGRAMS = ("valkey-server", "redis-server")


@dataclass
class Server:
    """A server on a unix socket, without a file of its own. May be stopped and started again, and then is empty."""

    program: str
    folder: Path
    arguments: tuple[str, ...] = ()
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"unix://{self.folder / 'valkey.sock'}"

    def client(self) -> "Redis":
        return Redis(unix_socket_path=str(self.folder / "valkey.sock"))

    def start(self) -> None:
        socket = self.folder / "valkey.sock"
        command = [
            self.program,
            "--port",
            "0",
            "--unixsocket",
            str(socket),
            "--save",
            "",
            "--dir",
            str(self.folder),
        ]
        self.process = subprocess.Popen([*command, *self.arguments], stdout=subprocess.DEVNULL)
        self._await_answer()

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _await_answer(self) -> None:
        until = time.monotonic() + 20
        while True:
            with self.client() as client:
                try:
                    client.ping()
                except RedisError:
                    assert time.monotonic() < until, "the server does not answer"
                    time.sleep(0.01)
                else:
                    return


@contextmanager
def server(folder: Path, *arguments: str) -> Iterator[Server]:
    """Start a server; skips the test where none is installed."""
    program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if program is None:
        pytest.skip(f"needs {' or '.join(_PROGRAMS)} on PATH (Debian's package redis-server)")
    running = Server(program, folder, arguments)
    running.start()
    try:
        yield running
    finally:
        running.stop()
