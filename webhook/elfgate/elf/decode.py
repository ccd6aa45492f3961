"""Decodes an excerpt's structures with pyelftools.

With its structs alone, as its classes read section headers.
"""

from functools import lru_cache
from struct import Struct
from typing import IO, Any, cast

from elftools.common.exceptions import ELFError
from elftools.common.utils import struct_parse
from elftools.construct import Construct
from elftools.elf.structs import ELFStructs

from elfgate.elf.layout import Layout
from elfgate.elf.sparse import SparseFile


class Decoder:
    """Reads structures and strings at offsets of a sparse file.

    Attributes:
        structs: pyelftools' structs.
        layout: The file's class and byte order.
        complete: All that was asked for was there.
    """

    def __init__(self, file: SparseFile, layout: Layout) -> None:
        self.structs = _structs(layout.elf_class, layout.byte_order)
        self.layout = layout
        self.complete = True
        self._file = file
        self._stream = cast("IO[bytes]", file)  # read and seek are all that pyelftools calls

    def at(self, struct: Construct, offset: int) -> Any:
        """The structure at ``offset``, or None if it is not there."""
        try:
            return struct_parse(struct, self._stream, offset)
        except ELFError:
            self.complete = False
            return None

    def unpack(self, form: str, offset: int) -> tuple[int, ...] | None:
        """The numbers of a structure at ``offset``, in the file's byte order.

        None if it is not there.

        For structures of which a file has many: pyelftools takes fifty times as long for one.
        """
        structure = _compiled(self.layout.prefix + form)
        raw = self.bytes(offset, structure.size)
        if len(raw) < structure.size:
            self.complete = False
            return None
        return structure.unpack(raw)

    def bytes(self, offset: int, size: int) -> bytes:
        """The bytes at ``offset``, as far as they are there."""
        self._file.seek(offset)
        return self._file.read(size)

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


@lru_cache(maxsize=4)
def _structs(elf_class: int, byte_order: str) -> ELFStructs:
    """Make pyelftools' structs, once: that takes longer than decoding a file.

    They are those of no machine in particular: what machines add (their own tags and segments) is
    not asked for.
    """
    structs = ELFStructs(little_endian=byte_order == "little", elfclass=elf_class)
    structs.create_basic_structs()
    structs.create_advanced_structs()
    return structs
