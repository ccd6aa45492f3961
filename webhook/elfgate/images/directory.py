"""A root file system in a folder of this machine, as an image of one layer (``dir:ROOTFS``).

The folder has no manifest or config. They are made here, so that callers see no difference. They
and the layer go by ``dir:PATH``, which is no digest, so that nothing of a folder, which may change,
is ever stored.
"""

import json
import mmap
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

from elfgate.elf.excerpt import is_elf
from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images import mediatypes
from elfgate.images.digests import FOLDER
from elfgate.images.layout import LAYOUT_MARK, unreadable
from elfgate.images.source import Descriptor, Limits
from elfgate.linkage.mounts import RUNTIME_MOUNTS
from elfgate.rootfs.build import LayerBuilder
from elfgate.rootfs.contents import HEAD_BYTES, Buffer, bytes_wanted
from elfgate.rootfs.entry import Entry, Kind
from elfgate.rootfs.layer import Layer

_MARKS = (LAYOUT_MARK, "index.json", "manifest.json", "version")
_CONFIG = b'{"os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": []}}'


class Folded:
    """The manifest that is made for a path of this machine.

    Args:
        path: The path.
    """

    def __init__(self, path: Path) -> None:
        # Bytes that are no UTF-8 would not survive in JSON.
        place = os.fsencode(path).decode("utf-8", "backslashreplace")
        # What is under way is told apart by these: the manifest, the config and the layer are three
        # things.
        self.image = Descriptor(mediatypes.OCI_MANIFEST, FOLDER + place)
        self._config_digest = f"{FOLDER}the config of {place}"
        self._layer_digest = f"{FOLDER}the layer of {place}"

    def manifest(self) -> bytes:
        """A manifest with a config and one layer."""
        config = {"mediaType": mediatypes.OCI_CONFIG, "digest": self._config_digest, "size": 0}
        layer = {"mediaType": mediatypes.OCI_LAYER, "digest": self._layer_digest, "size": 0}
        return json.dumps({"schemaVersion": 2, "config": config, "layers": [layer]}).encode()


class Directory:
    """A folder as an image (a ``Source``).

    Args:
        path: The folder that is to be ``/``.
        limits: How many names are read.
    """

    def __init__(self, path: str, limits: Limits) -> None:
        self.path = Path(path).absolute()
        self._limits = limits
        self._folded = Folded(self.path)

    def resolve(self, name: str) -> Descriptor:
        """The folder's one image, which has no name."""
        if name or not self.path.is_dir():
            problem = f"has no image named {name!r}" if name else "is not a folder"
            raise UnreadableError(f"{self.path} {problem}", reason=UnknownReason.IMAGE_NOT_FOUND)
        self._refuse_other_kinds()
        return self._folded.image

    def _refuse_other_kinds(self) -> None:
        """Name what is a folder with an image in it, and not a root file system."""
        has = {name for name in _MARKS if (self.path / name).is_file()}
        if has >= {LAYOUT_MARK, "index.json"}:
            kind, hint = "an OCI image layout", f"write oci:{self.path}"
        elif has >= {"version", "manifest.json"}:
            kind, hint = "a folder of skopeo's dir: form", "copy it with skopeo to oci:DIR"
        else:
            return
        raise UnreadableError(
            f"{self.path} is {kind}, not a root file system",
            reason=UnknownReason.IMAGE_UNSUPPORTED,
            hint=hint,
        )

    def document(self, descriptor: Descriptor) -> bytes:
        """The manifest or the config, whichever the media type asks for."""
        if descriptor.media_type == mediatypes.OCI_CONFIG:
            return _CONFIG
        return self._folded.manifest()

    # There is one, whatever it is called.
    def layer(self, descriptor: Descriptor) -> Layer:  # noqa: ARG002
        """Walk the folder; symlinks are kept, never followed."""
        builder = LayerBuilder(max_entries=self._limits.layer_entries)
        try:
            _fill(builder, self.path)
            return builder.build()
        except ValueError as error:
            raise UnreadableError(
                f"{self.path}: {error}", reason=UnknownReason.IMAGE_INVALID
            ) from error
        except OSError as error:
            raise unreadable(str(self.path), error) from error


def _fill(builder: LayerBuilder, root: Path) -> None:
    """Add every name of a folder, and those below it.

    But none of what the runtime mounts something else over.

    A folder in which programs are started by ``chroot`` may well have ``/proc`` mounted, whose
    files come and go, and block or fail when they are read.
    """
    waiting = [(root, "/")]
    while waiting:
        folder, path = waiting.pop()
        if f"{path}/" in RUNTIME_MOUNTS:
            add(builder, folder, path)
            continue
        try:
            with os.scandir(folder) as entries:
                names = [(entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries]
        except OSError:
            if path == "/":
                raise
            builder.add(path, Entry(Kind.UNREADABLE))
            continue
        add(builder, folder, path)
        for name, is_directory in names:
            place = (folder / name, f"{path.rstrip('/')}/{name}")
            if is_directory:
                waiting.append(place)
            else:
                add(builder, *place)


def add(builder: LayerBuilder, host_path: Path, path: str, *, mode: int = 0) -> None:
    """Add a name of this machine's to a layer.

    Args:
        builder: Collects the layer.
        host_path: The file here.
        path: The same in the image.
        mode: Permission bits that it has in the image besides its own.
    """
    try:
        status = host_path.lstat()
    except OSError:  # its folder may be listed but not searched
        builder.add(path, Entry(Kind.UNREADABLE))
        return
    if mode:
        status = os.stat_result((status.st_mode | mode, *status[1:]))
    kind, link = _kind(status.st_mode), ""
    if kind is Kind.SYMLINK:
        link = os.readlink(host_path)  # noqa: PTH115 - Path would tidy the target up
    with _contents(host_path, path, status) if kind is Kind.FILE else nullcontext(b"") as data:
        is_program = data is not None and is_elf(bytes(data[:4]))
        entry = Entry(
            Kind.UNREADABLE if data is None else kind,
            stat.S_IMODE(status.st_mode),
            status.st_uid,
            status.st_gid,
            status.st_size if kind is Kind.FILE else 0,
            link,
            capability=_capability(host_path) if is_program else b"",
        )
        builder.add(path, entry, data or b"")


def _capability(host_path: Path) -> bytes:
    try:
        return os.getxattr(host_path, "security.capability", follow_symlinks=False)
    except OSError:
        return b""


def _kind(mode: int) -> Kind:
    if stat.S_ISREG(mode):
        return Kind.FILE
    if stat.S_ISDIR(mode):
        return Kind.DIRECTORY
    return Kind.SYMLINK if stat.S_ISLNK(mode) else Kind.OTHER


@contextmanager
def _contents(host_path: Path, path: str, status: os.stat_result) -> Iterator[Buffer | None]:
    """The part of a file that its index needs; None if it cannot be read."""
    with ExitStack() as open_files:
        yield _read(host_path, path, status, open_files)


def _read(
    host_path: Path, path: str, status: os.stat_result, open_files: ExitStack
) -> Buffer | None:
    """Read a file's beginning; an ELF file is mapped, not copied."""
    try:
        descriptor = os.open(host_path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        file = open_files.enter_context(os.fdopen(descriptor, "rb"))
        head = file.read(HEAD_BYTES)
        wanted = bytes_wanted(path, stat.S_IMODE(status.st_mode), status.st_size, head)
        if wanted <= len(head):
            return head
        if is_elf(head):
            return open_files.enter_context(mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ))
        return head + file.read(wanted - len(head))
    except (
        OSError,
        ValueError,
    ):  # no right to it, no disk below it, or emptied since (mmap's ValueError)
        return None
