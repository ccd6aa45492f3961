"""Builds a layer's index from its entries, in the layer's own order."""

from elfgate.rootfs import form
from elfgate.rootfs.contents import Buffer, keep
from elfgate.rootfs.encode import encode
from elfgate.rootfs.entry import Kind
from elfgate.rootfs.layer import Layer
from elfgate.rootfs.pieces import Pieces
from elfgate.rootfs.upper import Name, Upper, short


class LayerBuilder:
    """Collects a layer's entries.

    Args:
        max_entries: How many names, implied directories included.
        max_characters: How many characters of paths and links' targets.
        max_kept_bytes: How many bytes of files' heads, texts and excerpts; files beyond become ``UNREADABLE``.
    """

    def __init__(
        self,
        *,
        max_entries: int = 1_000_000,
        max_characters: int = 256 << 20,
        max_kept_bytes: int = 256 << 20,
    ) -> None:
        self._upper = Upper(max_entries=max_entries, max_characters=max_characters)
        self._links = Pieces()
        self._texts = Pieces()
        self._excerpts = Pieces()
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
        capability: bytes = b"",
    ) -> None:
        """Add an entry. It replaces an earlier one of the same path, but a directory keeps what is in it.

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
            capability: Its ``security.capability``, which counts for an ELF file.

        Raises:
            ValueError: if no node could unpack this: a path through a file, a loop of symlinks, a name too long.
            UnreadableError: if the layer has more names than allowed.
        """
        name = Name(kind, mode & 0o7777, uid & 0xFFFFFFFF, gid & 0xFFFFFFFF, size, link)
        if path == "/":
            if kind is not Kind.DIRECTORY:
                raise ValueError("'/' is not a directory")
            return
        if kind is Kind.FILE:
            self._keep(path, name, data, capability[: form.CAPABILITY_BYTES])
        elif kind is Kind.HARDLINK:
            name = self._linked(name)
        elif kind is Kind.SYMLINK:
            if not link:
                raise ValueError(f"{short(path)} is a symlink without a target")
            name.head = self._links.add(link.encode("utf-8", "surrogateescape"))
        self._upper.put(path, name)

    def opaque(self, directory: str) -> None:
        """Hide what lower layers have in ``directory`` (absolute, normalised).

        Raises:
            ValueError: as ``add`` does.
            UnreadableError: as ``add`` does.
        """
        self._upper.directory(directory.rstrip("/")).flags |= form.OPAQUE

    def build(self) -> Layer:
        """The finished index. The builder is spent then."""
        return Layer.decode(encode(self._upper.root, self._links, self._texts, self._excerpts))

    def _keep(self, path: str, name: Name, data: Buffer, capability: bytes) -> None:
        kept = keep(path, name.mode, name.size, data)
        if kept is None or self._texts.total + self._excerpts.total > self._max_kept_bytes:
            name.kind = Kind.UNREADABLE
            return
        name.head = self._texts.add(kept.head[: name.size] + capability if kept.elf else kept.head)
        if kept.elf:
            name.flags, name.body = form.ELF, self._excerpts.add(kept.elf)
        elif kept.text is not None:
            name.flags, name.body = form.TEXT, self._texts.add(kept.text)
        else:
            name.body = self._texts.add(kept.tail)

    def _linked(self, name: Name) -> Name:
        """The file that a hard link names if this layer has it, else the link, for the layers below to resolve."""
        target = self._upper.find(name.link)
        if target is None:
            name.head = self._links.add(name.link.encode("utf-8", "surrogateescape"))
            return name
        if target.kind is Kind.DIRECTORY:
            raise ValueError(f"a hard link to {short(name.link)}, which is a directory")
        return target
