"""A layer's tar stream → its index, in one pass and without keeping what is not wanted.

What an entry means is what the OCI image spec ("Image Layer Filesystem Changeset") says and a
node's runtime does.
"""

from elfgate.rootfs.build import LayerBuilder
from elfgate.rootfs.changeset import add
from elfgate.rootfs.contents import HEAD_BYTES, Buffer, bytes_wanted
from elfgate.rootfs.entry import Entry
from elfgate.rootfs.input import Input, Readable
from elfgate.rootfs.layer import Layer
from elfgate.rootfs.members import Data, members

MAX_ELF_BYTES = 1 << 30


def index(
    stream: Readable, *, max_bytes: int, max_entries: int, max_elf_bytes: int = MAX_ELF_BYTES
) -> Layer:
    """Read a layer's tar stream up to its end-of-archive mark and index it.

    What follows the mark is left unread: whoever verifies a digest reads on.

    Args:
        stream: The uncompressed tar.
        max_bytes: How many bytes of it to read at most.
        max_entries: How many names to take at most, implied directories included.
        max_elf_bytes: ELF files above this size become ``UNREADABLE``, as each is held in memory
            once.

    Raises:
        ValueError: if it is no tar, cut short, or holds what a node would refuse (a path through a
            file). One line.
        UnreadableError: if it exceeds a limit.
    """
    source = Input(stream, max_bytes)
    builder = LayerBuilder(max_entries=max_entries)

    data: Data = source

    def content(path: str, entry: Entry) -> Buffer:
        return _content(path, entry, data, max_elf_bytes)

    try:
        for name, entry, data in members(source):  # noqa: B007 - content takes it
            add(builder, name, entry, content)
    except ValueError as error:
        raise ValueError(f"tar, at byte {source.position}: {error}") from error
    return builder.build()


def _content(path: str, entry: Entry, data: Data, max_elf_bytes: int) -> Buffer:
    """The file's first bytes, as many as are wanted.

    Its head alone, if they are too many to hold.
    """
    head = data.peek(min(HEAD_BYTES, entry.size))
    wanted = bytes_wanted(path, entry.mode, entry.size, head)
    return head if wanted <= len(head) or wanted > max_elf_bytes else data.take(wanted)
