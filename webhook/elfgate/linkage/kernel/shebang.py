"""The first line of a script, as the kernel reads it.

Source: Linux ``fs/binfmt_script.c`` (``load_script``), and ``BINPRM_BUF_SIZE`` in
``include/uapi/linux/binfmts.h``.
"""

from dataclasses import dataclass

BUFFER = 256  # all that the kernel looks at
_BLANK = b" \t"


@dataclass(frozen=True, slots=True)
class Shebang:
    """An interpreter, and the one argument that all the rest of the line makes.

    The argument is None if there is no rest.
    """

    interpreter: str
    argument: str | None


def shebang(head: bytes) -> Shebang | None:
    """Read a ``#!`` line.

    Blanks before the name are skipped; the name ends at a blank or NUL; what follows is one
    argument, cut where the buffer ends; a carriage return is part of whatever it stands in. Without
    a newline in the buffer, the name must be followed by a blank or NUL, as it may otherwise have
    been cut.

    Args:
        head: The file's first bytes, beginning with ``#!``.

    Returns:
        The interpreter (empty if a NUL stands there: ENOENT), or None where the kernel answers
        ENOEXEC.
    """
    buffer = head[:BUFFER].ljust(BUFFER, b"\0")
    line, newline, _ = buffer[2:].partition(b"\n")
    if not newline:
        line = line[:-1]  # the kernel's buffer ends with a NUL of its own
        if not any(byte in b" \t\0" for byte in line.lstrip(_BLANK)) and buffer[-1:] not in (
            b" ",
            b"\t",
            b"\0",
        ):
            return None
    line = line.strip(_BLANK)
    if not line:
        return None
    end = next((index for index, byte in enumerate(line) if byte in b" \t\0"), len(line))
    name, rest = line[:end], line[end:]
    # Blanks at a line's end are no argument; before a NUL, with which a file without a newline ends
    # too, they are one.
    argument = (
        None if not rest or rest.startswith(b"\0") else rest.lstrip(_BLANK).split(b"\0", 1)[0]
    )
    return Shebang(_text(name), None if argument is None else _text(argument))


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")
