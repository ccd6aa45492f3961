"""Names of symbol versions, such as ``GLIBC_2.38``: their families, and the order within one."""

import re
from collections.abc import Iterable

_NUMBERED = re.compile(r"([A-Za-z]+)_([0-9.]{1,64})")
_FAMILIES = 8  # of one library; libstdc++ has two


def number(version: str) -> tuple[int, ...]:
    """Order versions of one family by their numbers; a name without any comes first."""
    match = _NUMBERED.fullmatch(version)
    return tuple(int(part) for part in match[2].split(".") if part) if match else ()


def is_numbered(version: str) -> bool:
    """Tell a version with a number from a name such as ``GLIBC_ABI_DT_RELR``."""
    return _NUMBERED.fullmatch(version) is not None


def newest_of_each(versions: Iterable[str]) -> tuple[str, ...]:
    """The newest version of each family, as a library that has it has the older ones too.

    A name without a number is a family of its own.
    """
    newest: dict[str, str] = {}
    for version in sorted(versions, key=number):
        family = version.partition("_")[0] if is_numbered(version) else version
        newest[family] = version
    return tuple(newest.values())[:_FAMILIES]
