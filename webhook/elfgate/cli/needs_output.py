"""The output of ``elfgate needs``: a table for people, and a model whose schema is published."""

from collections.abc import Iterable, Iterator, Sequence
from textwrap import indent

from pydantic import Field
from tabulate import tabulate

from elfgate.needs.facts import Library, Needs
from elfgate.platforms import Platform
from elfgate.printable import printable
from elfgate.reports.table import Table
from elfgate.results.image import VerdictWord
from elfgate.results.model import Headed, Model, schema

Found = tuple[Platform, Needs]

_ANY = "any, as far as headers tell"
_OF_THE_COMPILER = {
    "GLIBCXX": "libstdc++",
    "CXXABI": "libstdc++",
    "GCC": "libgcc",
}


def _printable(words: Iterable[str]) -> list[str]:
    return [printable(word) for word in words]


class LibraryOutput(Model):
    """A library that the program does not bring along."""

    name: str
    versions: list[str] = Field(description="symbol versions of it: the newest of each family")
    path: str | None = Field(description="the file that is found for it; null if none is")

    @classmethod
    def of(cls, library: Library) -> "LibraryOutput":
        """From what was found."""
        return cls(
            name=printable(library.name),
            versions=_printable(library.versions),
            path=printable(library.path) or None,
        )


class NeedsPlatform(Model):
    """The needs of the program on one platform."""

    platform: str
    argv: list[str]
    verdict: VerdictWord = Field(description="what comes of its start in this image")
    own: list[str] = Field(description="the program's own files, which are to be moved with it")
    loaders: list[str] = Field(description="none for a static program")
    libraries: list[LibraryOutput]
    glibc: str | None = Field(description="the lowest release; null if it needs none by version")
    musl: str | None = Field(description="the lowest release, as far as files tell")
    glibcxx: str | None = Field(description="the newest GLIBCXX version, of libstdc++")
    cxxabi: str | None = Field(description="the newest CXXABI version, of libstdc++")
    libgcc: str | None = Field(description="the newest GCC version, of libgcc")
    versions: list[str] = Field(description="all symbol versions: the newest of each family")
    cpu_level: str | None = Field(description="null if any CPU will do")
    kernel: str | None = Field(description="the oldest that it is built for; null if none is told")
    page_size: int | None = Field(description="the largest, in bytes; null if it is not known")
    files: list[str] = Field(description="interpreters and programs that a script starts")
    unknown: list[str] = Field(description="what could not be told, and why")

    @classmethod
    def of(cls, platform: Platform, needs: Needs) -> "NeedsPlatform":
        """From what was found."""
        return cls(
            platform=str(platform),
            argv=_printable(needs.argv),
            verdict=needs.outcome.value,
            own=_printable(needs.own),
            loaders=_printable(needs.loaders),
            libraries=[LibraryOutput.of(library) for library in needs.libraries],
            glibc=needs.newest("GLIBC") or None,
            musl=needs.musl or None,
            glibcxx=needs.newest("GLIBCXX") or None,
            cxxabi=needs.newest("CXXABI") or None,
            libgcc=needs.newest("GCC") or None,
            versions=_printable(needs.versions),
            cpu_level=needs.cpu_level or None,
            kernel=needs.kernel or None,
            page_size=needs.page_size or None,
            files=_printable(needs.files),
            unknown=_printable(needs.unknown),
        )


class NeedsOutput(Headed):
    """``elfgate needs -o json``."""

    schema_: str = schema("needs")
    image: str
    platforms: list[NeedsPlatform]

    @classmethod
    def of(cls, image: str, found: Sequence[Found]) -> "NeedsOutput":
        """From what was found."""
        platforms = [NeedsPlatform.of(*each) for each in found]
        return cls(image=image, platforms=platforms)


def needs_text(found: Sequence[Found]) -> str:
    """One table for each platform."""
    return "\n".join(_platform_text(*each) for each in found)


def needs_table(found: Sequence[Found]) -> Table:
    """One row for each need of each platform."""
    columns = ("platform", "need", "value")
    rows = []
    for platform, needs in found:
        name = str(platform)
        rows += [(name, *need) for need in _rows(needs)]
    return Table(columns, rows)


def _platform_text(platform: Platform, needs: Needs) -> str:
    rows = [(what, printable(value)) for what, value in _rows(needs)]
    table = tabulate(
        rows,
        tablefmt="plain",
        disable_numparse=True,
    )
    indented = indent(table, "  ")
    return f"{platform}\n{indented}\n"


def _rows(needs: Needs) -> Iterator[tuple[str, str]]:
    own = _listed(needs.own)
    yield "program", own or "not found"
    if own:
        loaders = _listed(needs.loaders)
        yield "loader", loaders or "none: it is static, or a script"
    yield from _libcs(needs)
    for library in needs.libraries:
        yield "library", _library(library)
    for path in needs.files:
        yield "file", path
    yield from _machine(needs)
    for sentence in needs.unknown:
        yield "not known", sentence


def _library(library: Library) -> str:
    """A library's name, and the versions that are asked of it."""
    if not library.versions:
        return library.name
    versions = _listed(library.versions)
    return f"{library.name} ({versions})"


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)


def _libcs(needs: Needs) -> Iterator[tuple[str, str]]:
    """The oldest C libraries, and libraries of the compiler, that the program runs with."""
    glibc = needs.newest("GLIBC")
    if glibc:
        yield "glibc", f"{glibc} or later"
    if needs.libc == "musl":
        yield "musl", _or_later(needs.musl, "not known: its libraries have no versions")
    for family, label in _OF_THE_COMPILER.items():
        number = needs.newest(family)
        if number:
            yield label, f"{family}_{number} or later"


def _machine(needs: Needs) -> Iterator[tuple[str, str]]:
    """The oldest machine and kernel that the program runs on."""
    if not needs.own:
        return
    level = needs.cpu_level or _ANY
    yield "CPU", level
    kernel = _or_later(needs.kernel, _ANY)
    yield "kernel", kernel
    if needs.page_size:
        yield "page size", f"up to {needs.page_size} bytes"


def _or_later(release: str, otherwise: str) -> str:
    if release:
        return f"{release} or later"
    return otherwise
