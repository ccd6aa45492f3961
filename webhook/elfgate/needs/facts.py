"""The needs of an image's program on one platform."""

from dataclasses import dataclass

from elfgate.linkage.report import Outcome


@dataclass(frozen=True, slots=True)
class Library:
    """A library that the program does not bring along.

    Attributes:
        name: As it is asked for (DT_NEEDED).
        versions: The symbol versions that are asked of it, the newest of each family.
        path: The file that is found for it; empty if none is.
    """

    name: str
    versions: tuple[str, ...] = ()
    path: str = ""


@dataclass(frozen=True, slots=True)
class Needs:
    """The program's needs from its surroundings.

    Its own are the command's file, and what it takes outside the system's directories (``/bin``,
    ``/usr/lib``, …); all else are surroundings, which another base has, or has not.

    Attributes:
        argv: The command line.
        outcome: What would come of its start where it is.
        own: Its own files, by their real paths, in the order in which they are taken.
        loaders: The dynamic loaders that they ask for (PT_INTERP); none if they are static.
        libraries: What they ask for by name.
        versions: The newest version of each family that they ask for, such as ``GLIBC_2.34``.
        musl: The lowest release of musl that will do, as far as a file tells; empty if none is
            told. musl's libraries have no symbol versions.
        cpu_level: The highest level of CPU that they ask for; empty if any will do.
        kernel: The oldest kernel that they are built for; empty if they do not say.
        page_size: The largest page size, in bytes, with which they can be mapped.
        files: Interpreters and programs of the system that a script or its first line starts.
        unknown: What could not be told, and why, a sentence each.
    """

    argv: tuple[str, ...]
    outcome: Outcome
    own: tuple[str, ...] = ()
    loaders: tuple[str, ...] = ()
    libraries: tuple[Library, ...] = ()
    versions: tuple[str, ...] = ()
    musl: str = ""
    cpu_level: str = ""
    kernel: str = ""
    page_size: int = 0
    files: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def libc(self) -> str:
        """The C library whose loader is asked for: ``glibc``, ``musl``; empty if none, or both."""
        found = {"musl" if "/ld-musl-" in path else "glibc" for path in self.loaders}
        return found.pop() if len(found) == 1 else ""

    def newest(self, family: str) -> str:
        """The number of the newest version of a family (``GLIBC``) that is asked for.

        Empty if none is.
        """
        known = (version.rpartition("_") for version in self.versions)
        return next((number for name, _, number in known if name == family), "")
