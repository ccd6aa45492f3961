"""GLIBC_TUNABLES: what it changes of where glibc's loader looks, and of what it takes.

Source: glibc ``elf/dl-tunables.c`` (``NAME=VALUE`` parted by colons; the last of a name counts) and
``elf/dl-tunables.list``; the manual, "Tunables".
"""

from dataclasses import dataclass

_HWCAPS = "glibc.cpu.hwcaps"  # features that the loader is to take as not there, each after a dash
_SECURE, _SECURE_SINCE = "glibc.rtld.enable_secure", (2, 40)
_STACK, _STACK_SINCE = "glibc.rtld.execstack", (2, 41)
_MEMORY = ("glibc.rtld.optional_static_tls", "glibc.rtld.nns")


@dataclass(frozen=True, slots=True)
class Tunables:
    """The parts of it that matter to a start.

    Attributes:
        fewer_features: The CPU counts as one that lacks some of its features.
        secure: The process is in secure-execution mode.
        stack_checked: A library that wants an executable stack may be refused.
        static_tls: The room for libraries' static TLS is not the usual.
    """

    fewer_features: bool = False
    secure: bool = False
    stack_checked: bool = False
    static_tls: bool = False


def tunables(text: str, version: tuple[int, ...]) -> Tunables:
    """Read GLIBC_TUNABLES.

    Args:
        text: Its value; empty if it is not set.
        version: The loader's release.
    """
    if not text:
        return Tunables()
    values = dict(pair.partition("=")[::2] for pair in text.split(":"))
    return Tunables(
        fewer_features="-" in values.get(_HWCAPS, ""),
        secure=version >= _SECURE_SINCE and values.get(_SECURE) == "1",
        stack_checked=version >= _STACK_SINCE and _STACK in values,
        static_tls=any(name in values for name in _MEMORY),
    )
