"""The schemas that others publish for our outputs, out of their packages; none of them is kept here.

A package is got by its registry's own client, by name, version and digest, once a machine.
"""

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

CACHE = Path.home() / ".cache" / "elfgate" / "schemas"
SECONDS = 60


@dataclass(frozen=True)
class Package:
    """An npm package with a schema in it.

    Attributes:
        name: The package and its version.
        sha512: Of the package as it is published.
        member: The schema's path in it.
    """

    name: str
    sha512: str
    member: str

    def schema(self) -> Any:
        """The schema; the test is skipped where the package is not to be had."""
        with tarfile.open(fileobj=io.BytesIO(self._bytes())) as archive:
            found = archive.extractfile(self.member)
            assert found is not None
            return json.load(found)

    def _bytes(self) -> bytes:
        kept = CACHE / f"{self.sha512[:32]}.tgz"
        if not kept.exists():
            self._get(kept)
        data = kept.read_bytes()
        assert hashlib.sha512(data).hexdigest() == self.sha512, f"{self.name} is another package"
        return data

    def _get(self, path: Path) -> None:
        if shutil.which("npm") is None:
            pytest.skip(f"no npm, which gets {self.name}")
        path.parent.mkdir(parents=True, exist_ok=True)
        command = ["npm", "pack", self.name, "--silent", "--pack-destination", str(path.parent)]
        try:
            said = subprocess.run(
                command, capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            pytest.skip(f"npm does not get {self.name} in {SECONDS} s")
        if said.returncode != 0:
            pytest.skip(f"npm does not get {self.name}: {said.stderr.strip()}")
        (path.parent / said.stdout.strip()).replace(path)


SARIF = Package(
    "@microsoft/jest-sarif@1.0.0-beta.0",
    "0357ce84f77a21ce620e4e05f583f0d6a341e1717eefe22f891ef197caf617a433424c7972963d2ec1a4dab1318852047016e3a559d29b058606e9004a4890f4",
    "package/lib/schemas/sarif-2.1.0-rtm.5.json",
)
