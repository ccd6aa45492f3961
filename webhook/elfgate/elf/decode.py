"""Reads an excerpt's structures and strings."""

from functools import lru_cache
from struct import Struct

from elfgate.elf.layout import Layout
from elfgate.elf.sparse import SparseFile


class Decoder:
    """Reads structures and strings at offsets of a sparse file.

    Attributes:
        layout: The file's class and byte order.
        complete: All that was asked for was there.
    """

    __slots__ = ("_file", "complete", "layout")

    def __init__(self, file: SparseFile, layout: Layout) -> None:
        self.layout = layout
        self.complete = True
        self._file = file

    def unpack(self, form: str, offset: int) -> tuple[int, ...] | None:
        """The numbers of a structure at ``offset``, in the file's byte order.

        None if it is not there.
        """
        structure = _compiled(self.layout.prefix + form)
        raw = self._file.read(offset, structure.size)
        if len(raw) < structure.size:
            self.complete = False
            return None
        return structure.unpack(raw)

    def bytes(self, offset: int, size: int) -> bytes:
        """The bytes at ``offset``, as far as they are there."""
        return self._file.read(offset, size)

    def text(self, offset: int) -> str | None:
        """The string at ``offset``, or None if it is not there."""
        found = self._file.string(offset)
        if found is None:
            self.complete = False
            return None
        return found.decode("utf-8", "surrogateescape")


@lru_cache(maxsize=16)
def _compiled(form: str) -> Struct:
    return Struct(form)
