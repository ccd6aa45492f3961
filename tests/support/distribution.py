"""The real registry of the distribution project, on loopback, with nothing in it.

with Distribution(folder) as registry:
    registry.host
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

_PROGRAM = Path(__file__).parents[2] / ".ci" / "registry"


def program() -> Path:
    """The registry, built the first time."""
    built = subprocess.run([_PROGRAM], check=True, capture_output=True, text=True)
    return Path(built.stdout.strip())


class Distribution:
    """A context manager.

    Args:
        folder: Where it keeps what is pushed, and its log.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._env = {"PATH": os.environ["PATH"], "OTEL_TRACES_EXPORTER": "none"}
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.host = f"127.0.0.1:{port}"
        self._config: dict[str, Any] = {
            "version": 0.1,
            "storage": {"filesystem": {"rootdirectory": str(folder / "kept")}},
            "http": {"addr": self.host},
        }

    def tell(self, endpoint: Mapping[str, Any], *, authority: Path) -> None:
        """Have it tell of pushes, once it runs.

        Args:
            endpoint: Whom, as its configuration has it.
            authority: The certificate that the endpoint's is signed by.
        """
        self._config["notifications"] = {"endpoints": [dict(endpoint)]}
        self._env["SSL_CERT_FILE"] = str(authority)

    def log(self) -> str:
        """What it has written, with a line for each request."""
        return (self._folder / "log.txt").read_text()

    def __enter__(self) -> Self:
        path = self._folder / "config.yaml"
        path.write_text(yaml.safe_dump(self._config))
        log = (self._folder / "log.txt").open("wb")
        command: list[str | Path] = [program(), "serve", path]
        self._process = subprocess.Popen(command, stdout=log, stderr=log, env=self._env)
        log.close()
        self._wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=30)

    def _wait(self) -> None:
        """Wait until it takes connections."""
        address, _, port = self.host.partition(":")
        until = time.monotonic() + 30
        while True:
            try:
                socket.create_connection((address, int(port)), timeout=1).close()
            except OSError:
                said = self.log()
                assert self._process.poll() is None, said
                assert time.monotonic() < until, said
                time.sleep(0.05)
            else:
                return
