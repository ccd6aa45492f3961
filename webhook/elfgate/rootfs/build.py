"""Builds a layer's index from its entries, in the layer's own order."""

import re
from posixpath import normpath

from elfgate.rootfs import form
from elfgate.rootfs.contents import Buffer, keep
from elfgate.rootfs.encode import encode
from elfgate.rootfs.entry import DISPUTED, NULL_DEVICE, OPAQUE, PASSING, Entry, Kind
from elfgate.rootfs.layer import Layer
from elfgate.rootfs.pieces import Pieces
from elfgate.rootfs.upper import Name, Upper, short

_NOBODY = 0xFFFFFFFF  # (uid_t) -1
# The names that git, Python, GNU tar and Go give to a global header.
_OF_HEADERS = re.compile(r"/(pax_global_header|@PaxHeader|GlobalHead\.[^/]*)\Z")


class LayerBuilder:
    """Collects a layer's entries.

    Args:
        max_entries: How many names, implied directories included.
        max_characters: How many characters of paths and links' targets.
        max_kept_bytes: How many bytes of files' heads, texts and excerpts; files beyond become
            ``UNREADABLE``.
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

    def add(self, path: str, entry: Entry, data: Buffer = b"") -> None:
        """Add an entry.

        It replaces an earlier one of the same path, but a directory keeps what is in it.

        Args:
            path: Absolute and normalised (no ``.``, ``..`` or empty component), such as
                ``/bin/sh``. The root itself changes nothing, whatever it is said to be: containerd
                passes over it too, and makes a root that all may search.
            entry: Without a file's bytes. ``WHITEOUT`` hides the path in lower layers, unless this
                layer has it too; a hard link's target is an absolute, normalised path.
            data: At least as many of a file's first bytes as ``contents.bytes_wanted`` says, and
                not none; a file with fewer becomes ``UNREADABLE``.

        Raises:
            ValueError: if no node could unpack this: a path through a file, a loop of symlinks, a
                name too long.
            UnreadableError: if the layer has more names than allowed.
        """
        if (entry.mode | 0o7777) != 0o7777 or (entry.uid | entry.gid) >> 31 or entry.capability:
            entry = _within_bounds(entry)
        if path == "/":
            return
        if entry.traits & NULL_DEVICE:
            self._upper.root.mark(NULL_DEVICE)
        name = Name(entry)
        if entry.kind is Kind.FILE:
            self._keep(path, name, data)
        elif entry.kind is Kind.HARDLINK:
            name = self._linked(name)
        elif entry.kind is Kind.SYMLINK:
            if not entry.link:
                raise ValueError(f"{short(path)} is a symlink without a target")
            name.head = self._links.add(entry.link.encode("utf-8", "surrogateescape"))
        self._upper.put(path, name)

    def carry(self, path: str, entry: Entry, excerpt: bytes) -> None:
        """Add a file of another layer, as that layer has kept it.

        Args:
            path: Absolute and normalised.
            entry: A file, with all that is kept of it.
            excerpt: Its ELF excerpt; empty if it is no ELF file.
        """
        name = Name(entry)
        name.head = self._texts.add(entry.head)
        if entry.elf:
            name.form, name.body = form.ELF, self._excerpts.add(excerpt)
            name.capability = self._texts.add(entry.capability)
        elif entry.text is not None:
            name.form, name.body = form.TEXT, self._texts.add(entry.text)
        else:
            name.body = self._texts.add(entry.tail)
        self._upper.put(path, name)

    def opaque(self, directory: str, *, by_kernel: bool = False) -> None:
        """Hide what lower layers have in a directory.

        Args:
            directory: Absolute, normalised.
            by_kernel: By an attribute of overlayfs's own: other file systems hide nothing then.

        Raises:
            ValueError: as ``add`` does.
            UnreadableError: as ``add`` does.
        """
        hiding = self._upper.directory(directory.rstrip("/"))
        hiding.mark(OPAQUE)
        # Unpacked onto the layers below, the marker also removes directories that have no entry
        # before it.
        if by_kernel or self._upper.may_imply(hiding):
            self._upper.root.mark(DISPUTED)

    def disturb(self, path: str) -> None:
        """Have what is there by a path so far, if anything, as of no known content.

        In lower layers too, where all are unpacked into one folder.

        Args:
            path: Absolute, normalised.

        Raises:
            ValueError: as ``add`` does.
            UnreadableError: as ``add`` does.
        """
        if path != "/" and self._upper.find(path) is not None:
            self._upper.put(path, Name(Entry(Kind.UNREADABLE)))
        elif path != "/" and not _OF_HEADERS.search(path):
            self._upper.root.mark(PASSING)

    def build(self) -> Layer:
        """The finished index. The builder is spent then."""
        return Layer.decode(encode(self._upper.root, self._links, self._texts, self._excerpts))

    def _keep(self, path: str, name: Name, data: Buffer) -> None:
        entry = name.entry
        kept = keep(path, entry.mode, entry.size, data)
        if kept is None or self._texts.total + self._excerpts.total > self._max_kept_bytes:
            name.entry = entry._replace(kind=Kind.UNREADABLE)
            return
        name.head = self._texts.add(kept.head)
        if kept.elf:
            name.form, name.body = form.ELF, self._excerpts.add(kept.elf)
            name.capability = self._texts.add(entry.capability)
        elif kept.text is not None:
            name.form, name.body = form.TEXT, self._texts.add(kept.text)
        else:
            name.body = self._texts.add(kept.tail)

    def _linked(self, link: Name) -> Name:
        """The file that a hard link names if this layer has it, else the link.

        The layers below resolve a link.
        """
        entry = link.entry
        plain = normpath(entry.link)
        # A symlink on the way may lead elsewhere, before the path climbs; what is missing does not.
        target = self._upper.find(entry.link) or self._upper.find(plain)
        if plain != entry.link:
            self._upper.root.mark(DISPUTED)
            entry = link.entry = entry._replace(link=plain)
        if target is None:
            # overlayfs's folder of this layer has nothing to link to; one folder for all layers may
            # have.
            self._upper.root.mark(DISPUTED)
            link.head = self._links.add(entry.link.encode("utf-8", "surrogateescape"))
            link.capability = self._texts.add(entry.capability)
            return link
        if target.entry.kind is Kind.DIRECTORY:
            raise ValueError(f"a hard link to {short(entry.link)}, which is a directory")
        target.entry = target.entry.under(entry, is_kept=bool(target.head))
        target.capability = self._texts.add(entry.capability) if target.form == form.ELF else 0
        return target


def _within_bounds(entry: Entry) -> Entry:
    """An entry whose numbers are those that a file system keeps of it.

    To ``chown``, an owner of -1 is as if none was named: who unpacks is root.
    """
    return entry._replace(
        mode=entry.mode & 0o7777,
        uid=(entry.uid & _NOBODY) % _NOBODY,
        gid=(entry.gid & _NOBODY) % _NOBODY,
        capability=entry.capability[: form.CAPABILITY_BYTES],
    )
