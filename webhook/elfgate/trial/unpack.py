"""Unpacks an image's layers, each onto those before it, into one folder that becomes the root.

The process that does it has that folder for its root: whatever a layer's names and links say, they
lead nowhere else.

Sources: containerd, ``archive.applyNaive`` and ``createTarFile``; the OCI image spec, "Image Layer
Filesystem Changeset". Times are not kept, and devices become FIFOs, as no user namespace may make
them.
"""

import contextlib
import json
import os
import shutil
import signal
import stat
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from elfgate.images.streams import opened
from elfgate.rootfs.changeset import OPAQUE, WHITEOUT, absolute
from elfgate.rootfs.entry import Entry, Kind
from elfgate.rootfs.input import Input
from elfgate.rootfs.members import Data, members
from elfgate.trial import users

_PIECE = 1 << 20
_CAPABILITY = "security.capability"


def serve(request: dict[str, Any]) -> dict[str, Any]:
    """Unpack what a request names.

    Args:
        request: ``unpack``, files of layers as they are stored, bottom first; ``into``, an empty
            folder; and ``bytes``, ``entries`` and ``seconds``, of all of them together.

    Returns:
        ``failed``: why it did not work, in one line; empty if it did.
    """
    told, report = os.pipe()
    process = os.fork()
    if process == 0:
        _unpack(request, report)
    os.close(report)
    with os.fdopen(told, "rb") as pipe:
        said = pipe.read()
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    if code == -signal.SIGALRM:
        return {"failed": f"the layers are not unpacked within {request['seconds']} s"}
    answer: dict[str, Any] = {"failed": f"unpacking ended with {code}"}
    return json.loads(said) if said else answer


def _unpack(request: dict[str, Any], report: int) -> None:
    """Do it, in a process of its own. Never returns."""
    failed = ""
    try:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(request["seconds"])
        # To the end.
        files = [open(path, "rb") for path in request["unpack"]]  # noqa: SIM115, PTH123
        alone = users.is_alone()
        os.umask(0)
        os.chroot(request["into"])
        os.chdir("/")
        folder = Folder(request["bytes"], request["entries"], alone)
        for file in files:
            folder.apply(file)
    # This is a fork: whatever it was has to be told, not raised.
    except Exception as error:  # noqa: BLE001
        failed = " ".join(str(error).split()) or type(error).__name__
    os.write(report, json.dumps({"failed": failed}).encode())
    os._exit(0)


@dataclass(slots=True)
class Folder:
    """The root of this process, into which layers are unpacked.

    Attributes:
        bytes: How many more may be read.
        entries: How many more names may be made.
        alone: There is one user only, whose everything is.
    """

    bytes: int
    entries: int
    alone: bool
    _made: set[str] = field(default_factory=set)

    def apply(self, file: BinaryIO) -> None:
        """Unpack one layer.

        Raises:
            ValueError: if it is none, or holds what no node could unpack. One line.
            UnreadableError: if it exceeds a limit.
            OSError: as the file system does.
        """
        magic = file.read(4)
        file.seek(0)
        source = Input(opened(file, magic), self.bytes)
        self._made = set()
        for name, entry, data in members(source):
            self.entries -= 1
            if self.entries < 0:
                raise ValueError("the image has more names than allowed")
            self._add(absolute(name), entry, data)
        self.bytes -= source.position

    def _add(self, path: str, entry: Entry, data: Data) -> None:
        parent, _, last = path.rpartition("/")
        parent = os.path.realpath(parent or "/")
        if last == OPAQUE:
            self._hide_below(parent)
        elif last.startswith(WHITEOUT):
            # Paths of the image.
            _remove(os.path.join(parent, last.removeprefix(WHITEOUT)))  # noqa: PTH118
        elif last:
            self._make(parent, os.path.join(parent, last), entry, data)  # noqa: PTH118

    def _make(self, parent: str, path: str, entry: Entry, data: Data) -> None:
        os.makedirs(parent, mode=0o755, exist_ok=True)  # noqa: PTH103
        there = _mode(path)
        if there is not None and not (stat.S_ISDIR(there) and entry.kind is Kind.DIRECTORY):
            _remove(path)
            there = None
        self._made.add(path)
        match entry.kind:
            case Kind.DIRECTORY:
                if there is None:
                    os.mkdir(path)  # noqa: PTH102
            case Kind.FILE:
                _write(path, entry.size, data)
            case Kind.SYMLINK:
                os.symlink(entry.link, path)  # noqa: PTH211
            case Kind.HARDLINK:
                target = absolute(entry.link)
                os.link(_resolved(target), path, follow_symlinks=False)
            case Kind.OTHER:
                os.mkfifo(path)
            case _:
                raise ValueError(f"{path[:100]} is a sparse file, or of a kind that is not known")
        self._own(path, entry)

    def _own(self, path: str, entry: Entry) -> None:
        if not self.alone:
            with contextlib.suppress(OSError):  # no user of this namespace: it stays root's
                os.lchown(path, entry.uid, entry.gid)
        if stat.S_ISLNK(_mode(path) or 0):
            return
        os.chmod(path, entry.mode & 0o7777)  # noqa: PTH101
        if entry.capability:
            os.setxattr(path, _CAPABILITY, entry.capability)

    def _hide_below(self, directory: str) -> None:
        """Remove what lower layers have in a directory."""
        if not os.path.isdir(directory):  # noqa: PTH112
            return
        for name in os.listdir(directory):  # noqa: PTH208
            path = os.path.join(directory, name)  # noqa: PTH118
            if path not in self._made:
                _remove(path)
            elif stat.S_ISDIR(_mode(path) or 0):
                self._hide_below(path)


def _resolved(path: str) -> str:
    """A path whose last name alone may be a link."""
    parent, _, last = path.rpartition("/")
    return os.path.join(os.path.realpath(parent or "/"), last)  # noqa: PTH118


def _write(path: str, size: int, data: Data) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        while size:
            piece = data.take(min(size, _PIECE))
            file.write(piece)
            size -= len(piece)


def _remove(path: str) -> None:
    mode = _mode(path)
    if mode is None:
        return
    if stat.S_ISDIR(mode):
        shutil.rmtree(path)
    else:
        os.unlink(path)  # noqa: PTH108


def _mode(path: str) -> int | None:
    try:
        return os.lstat(path).st_mode
    except OSError:
        return None
