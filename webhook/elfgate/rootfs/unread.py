"""All layers below those that were read.

Whatever is asked of them is not known, so that nothing can rest on it.
"""

from collections.abc import Iterator, Mapping
from typing import NoReturn

from elfgate.rootfs.entry import IMPLIED, Entry, Kind
from elfgate.rootfs.walk import Found, Missing


class UnreadError(Exception):
    """The answer may lie in layers that are not read."""


class Unread:
    """The stand-in for them, at the bottom.

    Attributes:
        root: Their root directory, which no layer has an entry of its own for.
    """

    root = Entry(Kind.DIRECTORY, 0o755, traits=IMPLIED)

    def entries(self, directory: str) -> Mapping[str, Entry]:
        """Their names in a directory: not known."""
        self._refuse(directory)

    # As a layer's.
    def walk(self, path: str, *, follow_last: bool = True) -> Found | Missing:  # noqa: ARG002
        """The end of a path within one of them: not known."""
        self._refuse(path)

    def ending(self, endings: tuple[str, ...]) -> Iterator[str]:
        """The paths of their names that end so: not known."""
        self._refuse(f"names that end in {endings}")

    def excerpt(self, digest: bytes) -> bytes | None:
        """The ELF excerpt of that digest, if they have it: not known."""
        self._refuse(digest.hex())

    def _refuse(self, what: str) -> NoReturn:
        raise UnreadError(f"{what} may be in layers that are not read")
