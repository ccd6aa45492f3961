"""Signed bundles of a location.

Which keys count, which serial is too old, and the last good one kept.

A signature says who made a bundle, not when: without a serial, whoever may write to the location
could bring an old bundle back. The last good file is kept with its signature, so that a restart
while the location is away judges by it.
"""

import contextlib
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from elfgate.errors import InputError
from elfgate.policy import archive, signing
from elfgate.policy.bundle import Bundle
from elfgate.policy.config import PolicyConfig

_KEPT = "bundle.tar.gz"


class RollbackError(InputError):
    """A bundle that is older than the one in force."""


@dataclass(slots=True)
class BundleState:
    """The state of a bundle that is followed, for probes and metrics.

    Attributes:
        location: Where the bundle is.
        required: The webhook is not ready before a bundle is in force.
        revision: The revision in force; empty before the first.
        serial: The serial in force; 0 before the first, or if the bundle has none.
        reached: When the location last gave a file, in monotonic seconds; None if it never did.
        restored: The bundle in force came from the kept file, and the location has not confirmed it
            yet.
    """

    location: str
    required: bool
    revision: str = ""
    serial: int = 0
    reached: float | None = None
    restored: bool = False

    def not_ready(self) -> list[str]:
        """The reason why the webhook is not ready, if there is one."""
        if self.required and not self.revision:
            return [f"policies: the required bundle {self.location} is not in force yet"]
        return []

    def age(self) -> float | None:
        """Seconds since the location last gave a file; None if it never did."""
        return None if self.reached is None else time.monotonic() - self.reached


@dataclass(slots=True)
class SignedBundles:
    """Verifies the bundles of one location.

    Attributes:
        state: Of the bundle in force.
        keys: Public keys (PEM) by their id; a bundle is signed with one of them.
        config: Laid over the bundle's settings.
        folder: Where the last good file is kept; None to keep none.
        allow_rollback: Take bundles with a lower serial, too.
        warn: Receives the reason why a file cannot be kept or taken up again.
    """

    state: BundleState
    keys: Mapping[str, bytes]
    config: PolicyConfig
    folder: Path | None = None
    allow_rollback: bool = False
    warn: Callable[[str], None] = lambda _: None

    def read(self, packed: bytes) -> Bundle:
        """Verify a bundle's file and read it.

        Raises:
            InputError: if it is no bundle of elfgate's, is not signed with one of the keys, or is
                too old.
        """
        contents = archive.unpack(packed, self.state.location)
        signing.verify_any(contents, self.keys)
        bundle = archive.read(contents, self.state.location, config=self.config)
        self._check_serial(archive.serial(contents), bundle.revision)
        return bundle

    def _check_serial(self, serial: int, revision: str) -> None:
        state = self.state
        if self.allow_rollback or not state.revision or revision == state.revision:
            return
        if serial < state.serial:
            raise RollbackError(
                f"{state.location} has the serial {serial}, and {state.serial} is in force",
                hint="sign it with a higher --serial, or set policies.bundle.allow_rollback",
            )
        if serial == state.serial > 0:
            raise RollbackError(
                f"{state.location} has the serial {serial} of the bundle in force, and other files",
                hint="sign each bundle with a --serial of its own",
            )

    def in_force(self, packed: bytes, revision: str, *, restored: bool = False) -> None:
        """Note which bundle is in force, and keep its file."""
        self.state.serial = archive.serial(archive.unpack(packed, self.state.location))
        self.state.revision = revision
        self.state.restored = restored
        if not restored:
            self._keep(packed)

    def kept(self) -> bytes | None:
        """The last good file; None if none is kept."""
        if self.folder is None:
            return None
        try:
            with (self.folder / _KEPT).open("rb") as file:
                return file.read(archive.MAX_PACKED + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            self.warn(f"{self.folder / _KEPT}: {error.strerror}")
            return None

    def _keep(self, packed: bytes) -> None:
        """Write the file so that a crash leaves the old one or the new one."""
        if self.folder is None:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as file:
                file.write(packed)
                file.flush()
                os.fsync(file.fileno())
            Path(file.name).replace(self.folder / _KEPT)
        except OSError as error:
            self.warn(f"the bundle cannot be kept in {self.folder}: {error.strerror}")
            with contextlib.suppress(OSError, UnboundLocalError):
                Path(file.name).unlink()
