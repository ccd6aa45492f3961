"""The Debian packages of elfgate's own image, pinned by version and bytes.

``requirements/debian.txt`` has a line for each: suite, architecture, file, SHA-256. A mirror serves
a version only until the next one; an archive of Debian's past serves it always, from the date that
the file names.

python -m lab.locked    write the file anew (``make lock``)
"""

import hashlib
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import debian
from lab.fetched import LabError
from lab.platforms import ARCHITECTURES, ROOT, SUITES, Platform, available

LOCK = ROOT / "requirements" / "debian.txt"
_BUILDERS = ("amd64", "arm64")  # whose Python compiles the bytecode of any suite
_HEAD = """\
# Debian's packages in elfgate's image, and their bytes: suite, architecture, file, SHA-256.
# Written by `make lock` as mirrors served them on {date}.
"""


@dataclass(frozen=True, slots=True)
class Pin:
    """A package's file.

    Attributes:
        suite: Debian's suite.
        architecture: An OCI name of an architecture.
        file: Its name, as ``libc6_2.41-12_amd64.deb``.
        digest: Its SHA-256, in hexadecimal.
    """

    suite: str
    architecture: str
    file: str
    digest: str

    @property
    def package(self) -> str:
        """The package's name."""
        return self.file.partition("_")[0]


def pins() -> list[Pin]:
    """Each pin of the file."""
    lines = LOCK.read_text(encoding="utf-8").splitlines()
    return [Pin(*line.split()) for line in lines if not line.startswith("#")]


def platform(architecture: str) -> Platform:
    """The platform that is pinned for an architecture, else the first that the mirror serves.

    Raises:
        LabError: if the mirror serves none.
    """
    for suite in SUITES:
        candidate = Platform(architecture, suite)
        if _pinned(candidate.packages, suite, architecture) is not None:
            return candidate
    return available(architecture)


def fetch(packages: Sequence[str], *, suite: str, architecture: str) -> list[Path]:
    """The files of packages: those that are pinned, or where a mirror has moved on, its own.

    A release refuses an image that is made of others than those pinned.

    Raises:
        LabError: if the mirror does not serve a package, or serves other bytes than those pinned.
    """
    chosen = _pinned(packages, suite, architecture)
    if chosen is None:
        return _unpinned(packages, suite, architecture, "they are not pinned")
    kept = [debian.downloaded(suite, architecture) / pin.file for pin in chosen]
    if not all(path.exists() for path in kept):
        wanted = [debian.specification(pin.file) for pin in chosen]
        try:
            debian.fetch(wanted, suite=suite, architecture=architecture, security=True)
        except LabError as error:
            return _unpinned(packages, suite, architecture, str(error))
    for pin, path in zip(chosen, kept, strict=True):
        _check(pin, path)
    return kept


def _pinned(packages: Sequence[str], suite: str, architecture: str) -> list[Pin] | None:
    """The pin of each package; None if one has none."""
    place = (suite, architecture)
    found = {pin.package: pin for pin in pins() if (pin.suite, pin.architecture) == place}
    if not found.keys() >= set(packages):
        return None
    return [found[name] for name in packages]


def _unpinned(packages: Sequence[str], suite: str, architecture: str, why: str) -> list[Path]:
    name = f"{architecture}: Debian {suite}'s packages"
    sys.stderr.write(f"{name} are those of today, good for trying out: {why}\n")
    return debian.fetch(packages, suite=suite, architecture=architecture, security=True)


def _check(pin: Pin, path: Path) -> None:
    """Hold a file against its pin.

    Raises:
        LabError: if its bytes are others.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != pin.digest:
        raise LabError(f"{path} is not the file that {LOCK.name} pins: remove it, and try again")


def write() -> None:
    """Pin what the mirror serves now.

    Raises:
        LabError: if it does not serve a package.
    """
    platforms = [available(architecture) for architecture in ARCHITECTURES]
    lines = [_HEAD.format(date=time.strftime("%Y-%m-%d", time.gmtime()))]
    lines += sorted({line for platform in platforms for line in _lines(platform)})
    LOCK.write_text("".join(lines), encoding="utf-8")


def _lines(platform: Platform) -> Iterator[str]:
    """The lines of a platform, and of the Python by which a builder compiles for it."""
    yield from _of(platform, platform.packages)
    for architecture in _BUILDERS:
        builder = Platform(architecture, platform.suite)
        yield from _of(builder, builder.interpreter)


def _of(platform: Platform, packages: Iterable[str]) -> Iterator[str]:
    served = debian.digests(packages, suite=platform.suite, architecture=platform.architecture)
    for file, digest in served.items():
        yield f"{platform.suite} {platform.architecture} {file} {digest}\n"


if __name__ == "__main__":
    try:
        write()
    except LabError as error:
        sys.exit(f"lock: {error}")
