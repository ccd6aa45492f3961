"""Builds a layer's index: names come in a layer's own order, and what the node's upper directory would hold comes out.

A node's runtime (containerd's overlay snapshotter, Docker's overlay2, CRI-O's overlay) unpacks every layer into a
directory of its own. So a symlink on the way to an entry counts if this layer has it, and only then; one of a lower
layer is replaced by the directory that the entry needs.
"""

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.rootfs import form
from elfgate.rootfs.contents import Buffer, keep
from elfgate.rootfs.encode import Directory, Name, encode
from elfgate.rootfs.entry import Kind
from elfgate.rootfs.layer import Layer
from elfgate.rootfs.pieces import Pieces

MAX_PATH_BYTES = 4096  # PATH_MAX
MAX_NAME_BYTES = 255  # NAME_MAX
MAX_DEPTH = 256
MAX_SYMLINKS = 40  # MAXSYMLINKS, linux/namei.h
_MAX_STEPS = 4096


class LayerBuilder:
    """Collects a layer's names.

    Args:
        max_entries: How many names, implied directories included.
        max_name_bytes: How many characters of paths and links' targets.
        max_kept_bytes: How many bytes of files' heads, texts and excerpts; files beyond become ``UNREADABLE``.
    """

    def __init__(
        self, *, max_entries: int = 1_000_000, max_name_bytes: int = 256 << 20, max_kept_bytes: int = 256 << 20
    ) -> None:
        self._root = Directory()
        self._directories: dict[str, Directory] = {}  # by path as written: where it led when it was last walked
        self._links = Pieces()
        self._texts = Pieces()
        self._excerpts = Pieces()
        self._entries_left = max_entries
        self._name_bytes_left = max_name_bytes
        self._max_kept_bytes = max_kept_bytes

    def add(
        self,
        path: str,
        kind: Kind,
        *,
        mode: int = 0,
        uid: int = 0,
        gid: int = 0,
        size: int = 0,
        link: str = "",
        data: Buffer = b"",
    ) -> None:
        """Add a name. It replaces an earlier one of the same path, but a directory keeps what is in it.

        Args:
            path: Absolute and normalised (no ``.``, ``..`` or empty component), such as ``/bin/sh``. The root itself
                changes nothing: containerd passes over it too, and makes a root that all may search.
            kind: What it is; ``WHITEOUT`` hides the path in lower layers, unless this layer has it too.
            mode: Permission bits.
            uid: Owner.
            gid: Group.
            size: Bytes of a file.
            link: A symlink's target as written; a hard link's as an absolute, normalised path.
            data: At least as many of a file's first bytes as ``contents.bytes_wanted`` says, and not none; a file
                with fewer becomes ``UNREADABLE``.

        Raises:
            ValueError: if no node could unpack this: a path through a file, a loop of symlinks, a name too long.
            UnreadableError: if the layer has more names than allowed.
        """
        name = Name(kind, mode & 0o7777, uid & 0xFFFFFFFF, gid & 0xFFFFFFFF, size, link)
        if path == "/":
            if kind is not Kind.DIRECTORY:
                raise ValueError("'/' is not a directory")
            return
        parent_path, _, last = path.rpartition("/")
        self._count(path, last, link)
        parent = self._directory(parent_path)
        if kind is Kind.FILE:
            self._keep(path, name, data)
        elif kind is Kind.HARDLINK:
            name = self._linked(name)
        elif kind is Kind.SYMLINK:
            if not link:
                raise ValueError(f"{_short(path)} is a symlink without a target")
            name.head = self._links.add(link.encode("utf-8", "surrogateescape"))
        self._put(parent, last, name)

    def opaque(self, directory: str) -> None:
        """Hide what lower layers have in ``directory`` (absolute, normalised).

        Raises:
            ValueError: as ``add`` does.
            UnreadableError: as ``add`` does.
        """
        self._directory(directory).flags |= form.OPAQUE

    def build(self) -> Layer:
        """The finished index. The builder is spent then."""
        return Layer.decode(encode(self._root, self._links, self._texts, self._excerpts))

    def _keep(self, path: str, name: Name, data: Buffer) -> None:
        kept = keep(path, name.mode, name.size, data)
        if kept is None or self._texts.total + self._excerpts.total > self._max_kept_bytes:
            name.kind = Kind.UNREADABLE
            return
        name.head = self._texts.add(kept.head)
        if kept.elf:
            name.flags, name.body = form.ELF, self._excerpts.add(kept.elf)
        elif kept.text is not None:
            name.flags, name.body = form.TEXT, self._texts.add(kept.text)
        else:
            name.body = self._texts.add(kept.tail)

    def _linked(self, name: Name) -> Name:
        """The file that a hard link names if this layer has it, else the link, for the layers below to resolve."""
        parent_path, _, last = name.link.rpartition("/")
        parent = self._walk(parent_path, make=False)
        target = parent.children.get(last) if parent else None
        if target is not None and target.kind is Kind.DIRECTORY:
            raise ValueError(f"a hard link to {_short(name.link)}, which is a directory")
        if target is not None and target.kind is not Kind.WHITEOUT:
            return target
        name.head = self._links.add(name.link.encode("utf-8", "surrogateescape"))
        return name

    def _put(self, parent: Directory, last: str, name: Name) -> None:
        there = parent.children.get(last)
        if there is not None:
            if name.kind is Kind.WHITEOUT:
                return
            if isinstance(there, Directory) and name.kind is Kind.DIRECTORY:
                self._own(there, name)
                return
            if there.kind in (Kind.DIRECTORY, Kind.SYMLINK):
                self._directories.clear()
        if name.kind is Kind.DIRECTORY:
            directory = self._make(parent, last)
            self._own(directory, name)
            name = directory
        parent.children[last] = name

    def _count(self, path: str, last: str, link: str) -> None:
        length = len(last.encode("utf-8", "surrogateescape"))
        if not last or length > MAX_NAME_BYTES or "\0" in last:
            raise ValueError(f"{_short(path)} has a name that no file system takes")
        if len(path) > MAX_PATH_BYTES or len(link) > MAX_PATH_BYTES:
            raise ValueError(f"{_short(path)} is longer than {MAX_PATH_BYTES} bytes, or its link is")
        self._entries_left -= 1
        self._spend(len(path) + len(link))

    def _spend(self, name_bytes: int) -> None:
        self._name_bytes_left -= name_bytes
        if self._entries_left < 0 or self._name_bytes_left < 0:
            raise UnreadableError("the layer has more names than allowed", reason=UnknownReason.LIMIT_EXCEEDED)

    def _make(self, parent: Directory, last: str) -> Directory:
        directory = Directory(path_length=parent.path_length + len(last) + 1)
        self._spend(directory.path_length)  # which symlinks may have made longer than any path written
        return directory

    @staticmethod
    def _own(directory: Directory, name: Name) -> None:
        directory.mode, directory.uid, directory.gid = name.mode, name.uid, name.gid
        directory.flags &= ~form.IMPLIED

    def _directory(self, path: str) -> Directory:
        directory = self._directories.get(path)
        if directory is None:
            directory = self._walk(path, make=True)
            assert directory is not None  # noqa: S101 - with make, it ends somewhere or raises
            self._directories[path] = directory
        return directory

    def _walk(self, path: str, *, make: bool) -> Directory | None:
        """Where a path leads within this layer, as containerd's ``fs.RootPath`` walks: confined to the layer's root."""
        trail = [self._root]
        rest = path.split("/")[::-1]
        symlinks = steps = 0
        while rest:
            part = rest.pop()
            steps += 1
            child = trail[-1].children.get(part)
            if child is not None and child.kind is Kind.SYMLINK:
                symlinks += 1
                if symlinks > MAX_SYMLINKS or steps > _MAX_STEPS:
                    raise ValueError(f"{_short(path)} leads through too many symlinks")
                if child.link.startswith("/"):
                    del trail[1:]
                rest += child.link.split("/")[::-1]
            elif part == "..":
                del trail[max(len(trail) - 1, 1) :]
            elif part not in ("", "."):
                directory = self._enter(trail[-1], part, path, make=make)
                if directory is None:
                    return None
                trail.append(directory)
                if len(trail) > MAX_DEPTH:
                    raise ValueError(f"{_short(path)} is deeper than {MAX_DEPTH} directories")
        return trail[-1]

    def _enter(self, parent: Directory, part: str, path: str, *, make: bool) -> Directory | None:
        child = parent.children.get(part)
        if isinstance(child, Directory):
            return child
        if child is not None and child.kind is not Kind.WHITEOUT:
            raise ValueError(f"{_short(path)} leads through {part!r}, which is not a directory")
        if not make:
            return None
        self._count(path, part, "")
        parent.children[part] = made = self._make(parent, part)
        return made


def _short(path: str) -> str:
    return repr(path if len(path) <= 100 else path[:100] + "…")
