"""The names of architectures and platforms as people write them, and as documents do."""

from elfgate.errors import InputError
from elfgate.platforms import ARCHITECTURES, Platform

_MACHINES = {  # what uname, Debian, Docker's images or a build call them, and what Kubernetes does
    "x86-64": "amd64",
    "x64": "amd64",
    "x86": "386",
    "i386": "386",
    "i586": "386",
    "armv5l": "arm/v5",
    "armv6l": "arm/v6",
    "armv6": "arm/v6",
    "arm32v6": "arm/v6",
    "armv7l": "arm/v7",
    "armv7": "arm/v7",
    "arm32v7": "arm/v7",
    "armhf": "arm/v7",
    "armv8": "arm64",
    "arm64v8": "arm64",
    "ppc64el": "ppc64le",
    "powerpc64le": "ppc64le",
}
_OF_GO = frozenset(("ppc", "s390", "mips", "mips64", "mipsle", "sparc64", "riscv", "wasm"))


def machine(written: str) -> str:
    """The architecture, with its variant, that is meant; empty if none is known by that name."""
    lower = written.lower()
    if lower in ARCHITECTURES:
        return lower
    return _MACHINES.get(lower) or _of_kernel(lower) or _turned(lower)


def architecture(written: str) -> str:
    """The way in which an architecture is written, if that is another and certain; else empty."""
    first, _, last = written.partition("/")
    meant = machine(last.rpartition("/")[2]) or machine(first)
    meant = meant.partition("/")[0]
    return "" if meant == written else meant


def platform(written: str) -> str:
    """The way in which a platform is written, if that is another and certain; else empty."""
    system, rest = _divided(written)
    name, slash, variant = rest.partition("/")
    meant = machine(name)
    expected = f"{system}/{_joined(meant, variant) if meant else f'{name}{slash}{variant}'}"
    return "" if expected == written else expected


def _divided(written: str) -> tuple[str, str]:
    """A platform's system, and the rest; linux where it names none."""
    lower = written.lower()
    system, slash, rest = lower.partition("/")
    if slash and not machine(system):
        return system, rest
    bare = lower.removeprefix("linux").lstrip("-_:")
    return "linux", bare.removesuffix("/linux")


def _joined(meant: str, variant: str) -> str:
    """An architecture and a variant; that of arm64 is left out."""
    if meant == "arm" and variant.isdigit():
        return f"arm/v{variant}"
    if meant == "arm64" or "/" in meant or not variant:
        return meant
    return f"{meant}/{variant}"


def _of_kernel(name: str) -> str:
    """The architecture that a kernel calls by this name."""
    if not name or "/" in name:
        return ""
    try:
        return Platform.parse(name).architecture
    except InputError:
        return ""


def _turned(name: str) -> str:
    """The architecture that has these letters in another order: ``amd46``."""
    if name in _OF_GO:
        return ""
    letters = sorted(name)
    return next((known for known in ARCHITECTURES if sorted(known) == letters), "")
