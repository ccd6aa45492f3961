"""The shipped table of bases, each row with its sources.

``measured.toml`` is written by ``lab/bases.py``; ``stated.toml`` is kept by hand. A field that is
left out is unknown.
"""

import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

_FILES = ("measured.toml", "stated.toml")

FAMILIES = ("GLIBC", "GLIBCXX", "CXXABI", "GCC")
"""The families of symbol versions that a row may know: the C library's and the compiler's."""

Version = Annotated[str, Field(pattern=r"^[0-9]+(\.[0-9]+){0,3}$")]


class Base(BaseModel):
    """A release of a distribution that images are built on.

    Attributes:
        name: As people write it.
        family: os-release's ``ID``; of distroless images, which have Debian's, a name of our own.
        release: os-release's ``VERSION_ID``, or its beginning; empty if there are no releases.
        image: Its image.
        released: When.
        until: The last day of security updates that cost nothing; None if that is not known.
        architectures: OCI names of those that its image is published for.
        libc: Whose C library it has.
        libc_version: That library's version.
        glibcxx: The newest ``GLIBCXX_`` version of its libstdc++, on every architecture.
        cxxabi: The newest ``CXXABI_`` version, likewise.
        libgcc: The newest ``GCC_`` version of its libgcc, by architecture.
        lacks: Libraries of those that its image does not have and that cannot be installed in it.
        sources: Where that is from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    family: str
    release: str = ""
    image: str
    released: date | None = None
    until: date | None = None
    architectures: tuple[str, ...]
    libc: Literal["glibc", "musl"]
    libc_version: Version | None = None
    glibcxx: Version | None = None
    cxxabi: Version | None = None
    libgcc: Mapping[str, Version] = {}
    lacks: tuple[str, ...] = ()
    sources: Annotated[tuple[str, ...], Field(min_length=1)]

    def newest(self, family: str, architecture: str) -> str | None:
        """The newest symbol version of a family (``GLIBC``, ``GLIBCXX``) that it has there.

        None if that is not known.
        """
        known = {
            "GLIBC": self.libc_version if self.libc == "glibc" else None,
            "GLIBCXX": self.glibcxx,
            "CXXABI": self.cxxabi,
            "GCC": self.libgcc.get(architecture),
        }
        return known.get(family)

    def is_supported(self, day: date) -> bool:
        """Tell whether it is known to get security updates on a day."""
        return self.until is not None and day <= self.until


class _Table(BaseModel):
    base: tuple[Base, ...]


@cache
def bases() -> tuple[Base, ...]:
    """All rows: a distribution's releases from the oldest to the newest."""
    folder = files("elfgate.bases")
    texts = [folder.joinpath(name).read_text("utf-8") for name in _FILES]
    return tuple(base for text in texts for base in _Table(**tomllib.loads(text)).base)
