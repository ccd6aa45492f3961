"""How much ``execve`` passes on: a longer command line or environment ends in E2BIG.

Sources: Linux ``include/uapi/linux/binfmts.h`` (``MAX_ARG_STRLEN``: 32 pages for one string, its
NUL included), ``fs/exec.c`` (``bprm_stack_limits``: all strings and their pointers have a quarter
of the stack's limit, and 6 MiB at most; ``prepare_arg_pages``).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from elfgate.linkage.environment import guess_of
from elfgate.linkage.reads import MOST_CHARACTERS, MOST_NAMES
from elfgate.linkage.work import CHARACTERS, Work
from elfgate.linkage.world import Process
from elfgate.platforms import Architecture

_PAGES = 32
_USUAL, _HIGHEST = 2 << 20, 6 << 20  # bytes: a quarter of 8 MiB, and of any stack
_OVERHEAD = 10  # bytes beside a string: its pointer and its NUL or equals sign
_ENTRIES = 8  # that a unit of work counts
_SPARE = 4 * MOST_CHARACTERS + 2 * MOST_NAMES * _OVERHEAD  # other variables take so much at most


@dataclass(frozen=True, slots=True)
class TooLong:
    """A string, or all of them, that the kernel does not pass on.

    Attributes:
        what: The argument or variable, or all of them together.
        size: Its bytes.
        limit: The bytes that every kernel of these nodes refuses, or that some do.
        certain: No kernel of these nodes passes it on.
    """

    what: str
    size: int
    limit: int
    certain: bool


def too_long(
    process: Process, architecture: Architecture, sizes: tuple[int, ...], work: Work
) -> TooLong | None:
    """Find what ``execve`` does not pass on.

    Args:
        process: The command line and the environment.
        architecture: The node's.
        sizes: Page sizes that the node may have, smallest first (bytes).
        work: Pays for it.

    Returns:
        The first string that is too long, or all of them; None if they may pass.
    """
    work.spend((len(process.args.values) + process.env.count) // _ENTRIES)
    lengths = [len(process.name), *process.env.lengths()]
    lengths += [len(guess_of(word)) for word in process.args.values]
    left = _PAGES * sizes[0] - 4 * sum(lengths) - _OVERHEAD * len(lengths)
    if left < _SPARE:
        process.env.reads.note_all()
    if left > 0:
        return None  # in no encoding is it longer
    work.spend(len(lengths) + sum(lengths) // CHARACTERS)
    measured = list(_measured(process))
    for what, size, certain in measured:
        if size > _PAGES * sizes[0]:
            limit = _PAGES * sizes[-1]
            return TooLong(what, size, limit, certain and size > limit)
    pointer = architecture.machine.elf_class // 8
    whole = sum(size + pointer for _, size, _ in measured)
    if whole <= _USUAL:
        return None
    sure = sum(size + pointer for _, size, certain in measured if certain)
    certain = sure > _HIGHEST
    return TooLong("all of it", whole, _HIGHEST if certain else _USUAL, certain)


def _measured(process: Process) -> Iterator[tuple[str, int, bool]]:
    """Each string's name, bytes and whether it is passed for certain."""
    for number, word in enumerate((process.name, *process.args.values)):
        is_known = process.doubt is None and isinstance(word, str)
        yield f"argument {number}", _size(guess_of(word)) + 1, is_known
    for name, text, is_known in process.env.texts():
        yield f"the variable {name}", _size(name) + _size(text) + 2, is_known


def _size(text: str) -> int:
    """Bytes of a string; a byte that is not UTF-8 is one surrogate."""
    if text.isascii():
        return len(text)
    return len(text.encode("utf-8", "replace"))
