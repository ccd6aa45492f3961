"""Files of manifests, as verbs are given them."""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from elfgate.errors import InputError

if TYPE_CHECKING:
    from elfgate.cluster.manifests import Manifest
    from elfgate.cluster.template import Template
    from elfgate.cluster.workload import Workload


def manifests(files: Iterable[str]) -> "Iterator[Manifest]":
    """The objects in the files, one after the other.

    Raises:
        InputError: if a file cannot be read, or holds what is no manifest.
    """
    from elfgate.cluster.manifests import objects

    for name in files:
        yield from objects(read_file(name), source="standard input" if name == "-" else name)


def workloads(
    found: "Iterable[Manifest]", templates: "Iterable[Template] | None" = None
) -> "Iterator[tuple[str, Workload | None]]":
    """Each object: where it stands, and what is to be judged of it, if anything.

    Args:
        found: The objects.
        templates: The kinds that hold a pod template; None for those that come with elfgate.

    Raises:
        InputError: if what is read of an object has a wrong type.
    """
    from elfgate.cluster.template import TEMPLATES, workload

    known = TEMPLATES if templates is None else tuple(templates)

    for manifest in found:
        try:
            yield manifest.position, workload(manifest.obj, templates=known)
        except InputError as error:
            raise InputError(f"{manifest.position}: {error.message}", hint=error.hint) from error


def read_file(name: str) -> bytes:
    """A file's bytes, or those of standard input for ``-``.

    Raises:
        InputError: if it cannot be read.
    """
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}") from error
