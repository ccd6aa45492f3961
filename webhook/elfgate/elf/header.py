"""Reads an ELF file's header with pyelftools, and tells whether a kernel takes it."""

from functools import lru_cache
from io import BytesIO
from typing import Any, NamedTuple

from elftools.common.utils import struct_parse
from elftools.elf.enums import ENUM_E_MACHINE, ENUM_E_TYPE
from elftools.elf.structs import ELFStructs

from elfgate.elf.excerpt import HEADERS_LIMIT
from elfgate.elf.facts import Type
from elfgate.elf.layout import Layout


class Header(NamedTuple):
    """The ELF header (gABI, chapter 4), and why a kernel does not take it.

    Attributes:
        machine: ``e_machine``.
        kind: ``e_type``.
        flags: ``e_flags``.
        entry: ``e_entry``.
        headers_at: ``e_phoff``.
        headers: ``e_phnum``.
        malformed: The reason; empty if a kernel takes it.
    """

    machine: int
    kind: int
    flags: int
    entry: int
    headers_at: int
    headers: int
    malformed: str


def read_header(head: bytes, layout: Layout, file_size: int) -> Header:
    """Read a header.

    Args:
        head: The file's first bytes, ``layout.header_size`` of them at least.
        layout: The file's class and byte order.
        file_size: Bytes of the whole file.
    """
    # Kernels pass over what pyelftools rejects in e_ident.
    plain = layout.plain_ident() + head[16:]
    fields = struct_parse(_form(layout.elf_class, layout.byte_order), BytesIO(plain), 0)
    kind = _number(fields.e_type, ENUM_E_TYPE)
    return Header(
        _number(fields.e_machine, ENUM_E_MACHINE),
        kind,
        fields.e_flags,
        fields.e_entry,
        fields.e_phoff,
        fields.e_phnum,
        _malformed(fields, kind, layout, file_size),
    )


@lru_cache(maxsize=4)
def _form(elf_class: int, byte_order: str) -> Any:
    """The header's form, made once: making one takes longer than reading a file."""
    structs = ELFStructs(little_endian=byte_order == "little", elfclass=elf_class)
    structs.create_basic_structs()
    return structs.Elf_Ehdr


def _number(value: str | int, names: Any) -> int:
    """The number behind a name that pyelftools gives."""
    return value if isinstance(value, int) else int(names[value])


def _malformed(fields: Any, kind: int, layout: Layout, file_size: int) -> str:
    """The reason for which a kernel answers ENOEXEC to these headers, or empty.

    Source: binfmt_elf.c, load_elf_binary and load_elf_phdrs.
    """
    size = fields.e_phnum * fields.e_phentsize
    if kind not in {Type.EXEC, Type.DYN}:
        return f"its type is {kind}, neither EXEC nor DYN"
    if fields.e_phentsize != layout.segment.size:
        return (
            f"its program headers are said to be {fields.e_phentsize} bytes each, not "
            f"{layout.segment.size}"
        )
    if size == 0:
        return "it has no program headers"
    if size > HEADERS_LIMIT:  # Linux 6.1 takes no more than a page of them, 6.18 does
        return f"it has {fields.e_phnum} program headers, more than a kernel takes"
    if fields.e_phoff + size > file_size:
        return "the file ends within its program headers"
    return ""
