"""Images in a tar archive: what ``skopeo copy … oci-archive:`` and ``docker save`` write.

The archive's members are read where they lie, by names as they would be once it is unpacked.
"""

import io
import os
import tarfile
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, cast

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.compressed import DAMAGE, STANDARD_INPUT, open_plain
from elfgate.images.kinds_of_file import kind_of
from elfgate.images.layout import unreadable
from elfgate.images.source import Limits

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_MOST_MEMBERS = 20_000
_UNSOUND: tuple[type[Exception], ...] = (tarfile.TarError, OverflowError, *DAMAGE)
_MOST_LINKS = 40
_MOST_EXTENTS = 100_000


@dataclass(frozen=True, slots=True)
class _Extent:
    """A run of a member's bytes: where it begins, where it ends, and where the archive has it.

    None for a hole.
    """

    start: int
    end: int
    offset: int | None


@dataclass(frozen=True, slots=True)
class _Member:
    """A file's size and bytes, or where a link leads within the archive."""

    size: int = 0
    extents: Sequence[_Extent] = ()
    link: str = ""
    is_symlink: bool = False


class Archive:
    """The files of a tar archive, read in place; thread-safe.

    Args:
        path: The archive, plain or compressed (gzip, zstd, xz, bzip2); ``-`` for standard input.
        limits: How much a compressed archive may unpack to.

    Raises:
        UnreadableError: if it is missing or no archive.
    """

    def __init__(self, path: str, limits: Limits) -> None:
        self._members: dict[str, _Member] = {}
        self._path = "standard input" if path == STANDARD_INPUT else path
        try:
            self._file = open_plain(path, limits)
            weakref.finalize(self, self._file.close)
            self._read_members()
        except FileNotFoundError as error:
            raise UnreadableError(
                f"{self._path} does not exist", reason=UnknownReason.IMAGE_NOT_FOUND
            ) from error
        except _UNSOUND as error:
            raise UnreadableError(
                f"{self._path} is not a sound tar archive: {error}",
                reason=UnknownReason.IMAGE_INVALID,
            ) from error
        except OSError as error:
            raise unreadable(self._path, error) from error

    def __str__(self) -> str:
        return self._path

    def __contains__(self, path: str) -> bool:
        return self._canonical(path) in self._members

    def names(self) -> Iterator[str]:
        """The names of its members."""
        return iter(self._members)

    def open(self, path: str) -> io.BufferedReader:
        """Open a member."""
        return io.BufferedReader(_Content(self._file, self._find(path)), 1 << 16)

    def size(self, path: str) -> int:
        """A member's size in bytes."""
        return self._find(path).size

    def _find(self, path: str) -> _Member:
        """Follow the links by which ``docker save`` shares layers between images."""
        name = self._canonical(path)
        for _ in range(_MOST_LINKS):
            member = self._members.get(name)
            if member is None:
                break
            if not member.link:
                return member
            name = self._canonical(member.link)
        raise FileNotFoundError(f"{path} is not in {self._path}")

    def _canonical(self, path: str) -> str:
        """The path of a member as it would be unpacked.

        Through symlinks to folders, whichever way it is written.
        """
        rest = path.split("/")[::-1]
        parts: list[str] = []
        links = 0
        while rest:
            part = rest.pop()
            if part in ("", "."):
                continue
            if part == "..":
                del parts[-1:]
                continue
            member = self._members.get("/".join((*parts, part)))
            if member is not None and member.is_symlink and rest and links < _MOST_LINKS:
                links += 1
                parts = []
                rest += member.link.split("/")[::-1]
            else:
                parts.append(part)
        return "/".join(parts)

    def _read_members(self) -> None:
        self._refuse_other_kinds()
        with tarfile.open(fileobj=self._file, mode="r:") as archive:
            for count, info in enumerate(archive):
                if count >= _MOST_MEMBERS:
                    raise UnreadableError(
                        f"{self._path} has more than {_MOST_MEMBERS} members",
                        reason=UnknownReason.LIMIT_EXCEEDED,
                    )
                member = _member(info)
                if member is not None:
                    self._members[self._canonical(info.name)] = member

    def _refuse_other_kinds(self) -> None:
        """Name what is plainly something else than a tar."""
        kind = kind_of(self._file.read(64))
        self._file.seek(0)
        if kind:
            raise UnreadableError(
                f"{self._path} is {kind}, not a tar archive", reason=UnknownReason.IMAGE_INVALID
            )


class _Content(io.RawIOBase):
    """A member's bytes; read by position, so that any number of members may be read at once."""

    def __init__(self, file: BinaryIO, member: _Member) -> None:
        self._file = file
        self._extents = iter(member.extents)
        self._extent = _Extent(0, 0, None)
        self._position = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        while self._position >= self._extent.end:
            extent = next(self._extents, None)
            if extent is None:
                return 0
            self._extent = extent
        view = memoryview(buffer).cast("B")[: self._extent.end - self._position]
        count = self._fill(view) if view else 0
        self._position += count
        return count

    def _fill(self, view: memoryview) -> int:
        if self._extent.offset is None:
            view[:] = bytes(len(view))
            return len(view)
        at = self._extent.offset + self._position - self._extent.start
        return os.preadv(self._file.fileno(), [view], at)


def _member(info: tarfile.TarInfo) -> _Member | None:
    """The kind of a member; None for kinds that no image is made of."""
    if info.issym():
        folder = "" if info.linkname.startswith("/") else info.name.rpartition("/")[0]
        return _Member(link=f"{folder}/{info.linkname}", is_symlink=True)
    if info.islnk():
        return _Member(link=info.linkname)
    return _Member(info.size, _extents(info)) if info.isreg() else None


def _extents(info: tarfile.TarInfo) -> Sequence[_Extent]:
    """The places of a file's bytes.

    A sparse file, as ``tar -S`` writes it, has holes between them.
    """
    if info.sparse is None:
        return (_Extent(0, info.size, info.offset_data),)
    runs = cast("list[tuple[int, int]]", info.sparse)
    if len(runs) > _MOST_EXTENTS:
        raise ValueError(f"a sparse file has more than {_MOST_EXTENTS} parts")
    extents: list[_Extent] = []
    offset, end = info.offset_data, 0
    for start, size in (*runs, (info.size, 0)):
        if start < end or size < 0 or start + size > info.size:
            raise ValueError("a sparse file's map is not in order")
        extents += [_Extent(end, start, None), _Extent(start, start + size, offset)]
        offset, end = offset + size, start + size
    return extents
