"""Files of manifests, as verbs are given them."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from elfgate.errors import InputError
from elfgate.given_file import OBJECTS_BYTES, contents
from elfgate.printable import printable

_ENDINGS = {".yaml", ".yml", ".json"}

if TYPE_CHECKING:
    from elfgate.cluster.manifests import Manifest


def manifests(files: Iterable[str]) -> "Iterator[Manifest]":
    """The objects in the files and folders, one after the other.

    Of a folder, those in all that is below it.

    Raises:
        InputError: if a file cannot be read, or is neither YAML nor JSON.
    """
    from elfgate.cluster.manifests import streamed

    for name in _files(files):
        if name == "-":
            yield from streamed(sys.stdin.buffer, source="standard input")
            continue
        try:
            with Path(name).open("rb") as file:
                yield from streamed(file, source=printable(name))
        except OSError as error:
            raise InputError(f"{printable(name)}: {error.strerror}") from error


def _files(names: Iterable[str]) -> Iterator[str]:
    """Names of files, with each folder's manifests in its place, sorted.

    The endings are kubectl's.
    """
    for name in names:
        if not name:
            raise InputError("a file of manifests has an empty name", hint="name a file, - or .")
        folder = Path(name)
        if name == "-" or not folder.is_dir():
            yield name
            continue
        for path in sorted(folder.rglob("*")):
            if path.suffix in _ENDINGS and path.is_file():
                yield str(path)


def read_file(name: str) -> bytes:
    """A file's bytes, or those of standard input for ``-``.

    Raises:
        InputError: if it cannot be read.
    """
    if name == "-":
        return sys.stdin.buffer.read()
    return contents(Path(name), OBJECTS_BYTES)
