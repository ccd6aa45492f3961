"""A folder, or one program, as a layer: files in a tar.

It is unpacked like any other so, and never changed.
"""

import os
import tarfile
from pathlib import Path

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.linkage.mounts import RUNTIME_MOUNTS


def packed(folder: Path, into: Path, *, most: int) -> None:
    """Write a folder as a tar.

    What the runtime mounts something over is left out, and what cannot be read. Capabilities of
    files are not kept.

    Args:
        folder: The root file system.
        into: The file.
        most: How many bytes it may have.

    Raises:
        UnreadableError: if it has more.
    """
    with tarfile.open(into, "w", format=tarfile.PAX_FORMAT) as archive:
        for place, folders, files in os.walk(folder):
            inside = f"/{os.path.relpath(place, folder)}/".replace("/./", "/")
            folders[:] = [name for name in folders if f"{inside}{name}/" not in RUNTIME_MOUNTS]
            for name in (*folders, *files):
                _add(archive, Path(place, name), f"{inside}{name}", most)


def packed_program(program: Path, name: str, into: Path, *, most: int) -> None:
    """Write one file as a tar, in which it may be executed.

    Args:
        program: The file.
        name: The same in the image.
        into: The tar.
        most: How many bytes it may have.

    Raises:
        UnreadableError: if it has more.
    """
    with tarfile.open(into, "w", format=tarfile.PAX_FORMAT) as archive:
        _add(archive, program, name, most, mode=0o111)


def _add(archive: tarfile.TarFile, path: Path, name: str, most: int, mode: int = 0) -> None:
    """Add a file, with permission bits besides its own.

    Raises:
        UnreadableError: if the tar has more than so many bytes then.
    """
    if path.is_socket():
        return
    info = archive.gettarinfo(path, name)
    info.mode |= mode
    if archive.offset + info.size > most:
        message = f"there are more than {most} bytes with {path}"
        raise UnreadableError(message, reason=UnknownReason.LIMIT_EXCEEDED)
    if not info.isreg():
        archive.addfile(info)
    elif os.access(path, os.R_OK):
        with path.open("rb") as file:
            archive.addfile(info, file)
