"""A file that a person names: read whole, up to a bound.

``/dev/zero``, or a disk's image, is refused before it fills the memory.
"""

from pathlib import Path

from elfgate.errors import InputError

KEY_BYTES = 64 << 10
SETTING_BYTES = 1 << 20
OBJECTS_BYTES = 256 << 20


def contents(path: Path, most: int) -> bytes:
    """Read a file.

    Raises:
        InputError: if the file cannot be read, or has more bytes than ``most``; one line.
    """
    try:
        with path.open("rb") as file:
            found = file.read(most + 1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    if len(found) > most:
        raise InputError(f"{path}: larger than {_size(most)}")
    return found


def _size(count: int) -> str:
    return f"{count >> 20} MiB" if count >> 20 else f"{count >> 10} KiB"
