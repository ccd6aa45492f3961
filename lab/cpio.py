"""Writes cpio archives in the "newc" format, as the kernel unpacks them.

Source: Linux, driver-api/early-userspace.
"""

import os
import stat
from pathlib import Path
from typing import BinaryIO


class Archive:
    """An initramfs being written.

    The same file of this machine, added under several names, is kept once.

    Files of this machine keep their owners if root adds them; else all are root's, as nobody else
    can give files away.

    Args:
        stream: Where it is written to.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._numbers: dict[tuple[int, int], int] = {}
        self._added: set[str] = set()

    def tree(self, directory: Path, at: str) -> None:
        """Add what is in a directory, below ``at``.

        What was added under the same name before stays as it is.
        """
        self.directory(at)
        for path in sorted(directory.rglob("*")):
            self._file(path, f"{at}/{path.relative_to(directory)}")

    def directory(self, name: str) -> None:
        """Add a directory."""
        if name not in self._added:
            self._entry(name, stat.S_IFDIR | 0o755, b"", len(self._added) + 1)

    def file(self, name: str, data: bytes, mode: int = 0o755) -> None:
        """Add a file of these bytes."""
        self._entry(name, stat.S_IFREG | mode, data, len(self._added) + 1)

    def device(self, name: str, major: int, minor: int) -> None:
        """Add a character device."""
        self._entry(name, stat.S_IFCHR | 0o666, b"", len(self._added) + 1, device=(major, minor))

    def close(self) -> None:
        """Write the trailer."""
        self._entry("TRAILER!!!", 0, b"", 0)

    def _file(self, path: Path, name: str) -> None:
        if name in self._added:
            return
        status = path.lstat()
        owner = (status.st_uid, status.st_gid) if os.geteuid() == 0 else (0, 0)
        key = (status.st_dev, status.st_ino)
        known = key in self._numbers
        number = self._numbers.setdefault(key, (1 << 20) + len(self._numbers))
        if stat.S_ISLNK(status.st_mode):
            self._entry(
                name,
                status.st_mode,
                os.fsencode(path.readlink()),
                len(self._added) + 1,
                owner=owner,
            )
        elif stat.S_ISREG(status.st_mode):
            # The kernel links a later name of the same number to the first, whose bytes it has.
            self._entry(
                name,
                status.st_mode,
                b"" if known else path.read_bytes(),
                number,
                links=2,
                owner=owner,
            )
        else:
            self._entry(name, status.st_mode, b"", len(self._added) + 1, owner=owner)

    def _entry(
        self,
        name: str,
        mode: int,
        data: bytes,
        number: int,
        *,
        links: int = 1,
        owner: tuple[int, int] = (0, 0),
        device: tuple[int, int] = (0, 0),
    ) -> None:
        self._added.add(name)
        encoded = os.fsencode(name) + b"\0"
        fields = (number, mode, *owner, links, 0, len(data), 0, 0, *device, len(encoded), 0)
        self._write(b"070701" + b"".join(b"%08X" % field for field in fields) + encoded)
        self._write(data)

    def _write(self, data: bytes) -> None:
        self._stream.write(data + bytes(-len(data) % 4))
