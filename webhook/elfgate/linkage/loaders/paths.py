"""Search paths: how each loader splits them, and what it substitutes in them.

Sources: ld.so(8), "Dynamic string tokens"; glibc ``elf/dl-load.c`` (``fillin_rpath``, ``is_dst``);
musl ``ldso/dynlink.c`` (``path_open``, ``fixup_rpath``).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_TOKEN = re.compile(r"\$(?:\{(ORIGIN|LIB|PLATFORM)\}|(ORIGIN|LIB|PLATFORM))")
_ORIGIN = re.compile(r"\$(?:\{ORIGIN\}|ORIGIN)")


@dataclass(frozen=True, slots=True)
class SearchPath:
    """Directories to search.

    Attributes:
        directories: In order; relative ones are meant from the working directory.
        undecided: Those that a value of the node's decides ($PLATFORM), with all else substituted.
    """

    directories: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()


def expand(text: str, tokens: Mapping[str, str]) -> str | None:
    """Substitute glibc's tokens.

    Args:
        text: A directory or a file name.
        tokens: Values of ORIGIN, LIB and PLATFORM, as far as they are known.

    Returns:
        The text, other uses of ``$`` left as they are; None if it has a token without a value.
    """
    known = expand_known(text, tokens)
    if _TOKEN.search(known):
        return None
    return known


def expand_known(text: str, tokens: Mapping[str, str]) -> str:
    """Substitute those of glibc's tokens that have a value."""
    return _TOKEN.sub(lambda match: tokens.get(match[1] or match[2], match[0]), text)


def split_glibc(text: str, separators: str, tokens: Mapping[str, str]) -> SearchPath:
    """Split a DT_RPATH, DT_RUNPATH (":") or LD_LIBRARY_PATH (":;") as glibc does.

    An empty element is ``.``.
    """
    if not text:
        return SearchPath()
    directories = [expand_known(element, tokens) for element in re.split(f"[{separators}]", text)]
    return SearchPath(
        tuple(directory or "." for directory in directories if not _TOKEN.search(directory)),
        tuple(directory for directory in directories if _TOKEN.search(directory)),
    )


def pattern_of(text: str) -> str | None:
    """Make a pattern (``fnmatch``) of a path component with tokens that may stand for anything.

    None if it has none.
    """
    if not _TOKEN.search(text):
        return None
    return _TOKEN.sub("*", re.sub(r"[*?[]", "[\\g<0>]", text))


def split_musl(text: str) -> tuple[str, ...]:
    """Split any of musl's paths: at colons and newlines, empty elements dropped."""
    return tuple(element for element in re.split("[:\n]", text) if element)


def expand_musl(text: str, origin: str) -> str | None:
    """Substitute $ORIGIN.

    None if the text has any other use of ``$``, for which musl ignores all of it.
    """
    if "$" not in text:
        return text
    if "$" in _ORIGIN.sub("", text):
        return None
    return _ORIGIN.sub(lambda _: origin, text)
