"""Images in a tar archive: what ``skopeo copy … oci-archive:`` and ``docker save`` write.

The archive's members are read where they lie. A compressed archive is unpacked to an unnamed temporary file first, as
its members can be had in no other order.
"""

import gzip
import io
import os
import posixpath
import tarfile
import tempfile
import weakref
import zlib
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.layout import unreadable
from elfgate.images.source import Limits

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_MOST_MEMBERS = 20_000
_MOST_LINKS = 8
_GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class _Member:
    offset: int
    size: int
    link: str = ""  # where a symlink or hard link leads, within the archive


class Archive:
    """The files of a tar archive, read in place; thread-safe.

    Args:
        path: The archive, plain or gzip.
        limits: How much a compressed archive may unpack to.

    Raises:
        UnreadableError: if it is missing or no archive.
    """

    def __init__(self, path: str, limits: Limits) -> None:
        self._path = path
        try:
            self._file = _open_plain(path, limits)
            weakref.finalize(self, self._file.close)
            with tarfile.open(fileobj=self._file, mode="r:") as archive:
                self._members = _members(archive, path)
        except FileNotFoundError as error:
            raise UnreadableError(
                f"{path} does not exist", reason=UnknownReason.IMAGE_NOT_FOUND
            ) from error
        except (
            tarfile.TarError,
            EOFError,
            zlib.error,
            gzip.BadGzipFile,
            ValueError,
            OverflowError,
        ) as error:
            raise UnreadableError(
                f"{path} is not a sound tar archive: {error}", reason=UnknownReason.IMAGE_INVALID
            ) from error
        except OSError as error:
            raise unreadable(path, error) from error

    def __str__(self) -> str:
        return self._path

    def __contains__(self, path: str) -> bool:
        return path in self._members

    def open(self, path: str) -> io.BufferedReader:
        """Open a member."""
        return io.BufferedReader(_Slice(self._file, self._find(path)), 1 << 16)

    def size(self, path: str) -> int:
        """A member's size in bytes."""
        return self._find(path).size

    def _find(self, path: str) -> _Member:
        """Follow the links by which ``docker save`` shares layers between images."""
        for _ in range(_MOST_LINKS):
            member = self._members.get(path)
            if member is None:
                break
            if not member.link:
                return member
            path = member.link
        raise FileNotFoundError(f"{path} is not in {self._path}")


class _Slice(io.RawIOBase):
    """A part of a file; reads by position, so that any number of them may be read at once."""

    def __init__(self, file: BinaryIO, member: _Member) -> None:
        self._file = file
        self._position = member.offset
        self._end = member.offset + member.size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer).cast("B")[: self._end - self._position]
        count = os.preadv(self._file.fileno(), [view], self._position) if view else 0
        self._position += count
        return count


def _open_plain(path: str, limits: Limits) -> BinaryIO:
    """Open an archive so that its members can be read by position."""
    with ExitStack() as on_failure:
        file: BinaryIO = on_failure.enter_context(Path(path).open("rb"))
        is_compressed = file.read(2) == _GZIP_MAGIC
        file.seek(0)
        if is_compressed:
            plain = on_failure.enter_context(tempfile.TemporaryFile())
            _unpack(file, plain, path, limits)
            file.close()
            file = plain
        on_failure.pop_all()
        return file


def _unpack(file: BinaryIO, plain: BinaryIO, path: str, limits: Limits) -> None:
    with gzip.GzipFile(fileobj=file, mode="rb") as stream:
        while data := stream.read(1 << 20):
            plain.write(data)
            if plain.tell() > limits.layer_bytes:
                raise UnreadableError(
                    f"{path} unpacks to more than {limits.layer_bytes} bytes",
                    reason=UnknownReason.LIMIT_EXCEEDED,
                )
    plain.seek(0)


def _members(archive: tarfile.TarFile, path: str) -> dict[str, _Member]:
    members: dict[str, _Member] = {}
    for count, info in enumerate(archive):
        if count >= _MOST_MEMBERS:
            raise UnreadableError(
                f"{path} has more than {_MOST_MEMBERS} members", reason=UnknownReason.LIMIT_EXCEEDED
            )
        name = posixpath.normpath(info.name)
        if info.issym():
            members[name] = _Member(
                0, 0, posixpath.normpath(posixpath.join(posixpath.dirname(name), info.linkname))
            )
        elif info.islnk():
            members[name] = _Member(0, 0, posixpath.normpath(info.linkname))
        elif info.isreg():
            members[name] = _Member(info.offset_data, info.size)
    return members
