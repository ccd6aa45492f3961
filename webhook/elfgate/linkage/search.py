"""Search paths: how each loader splits them, and what it substitutes in them.

Sources: ld.so(8), "Dynamic string tokens"; glibc ``elf/dl-load.c`` (``fillin_rpath``, ``is_dst``); musl
``ldso/dynlink.c`` (``path_open``, ``fixup_rpath``).
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
        undecided: Those that a value of the node's decides ($PLATFORM), as written.
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
    if "$" not in text:
        return text
    used = {curly or plain for curly, plain in _TOKEN.findall(text)}
    if not used <= tokens.keys():
        return None
    return _TOKEN.sub(lambda match: tokens[match[1] or match[2]], text)


def split_glibc(text: str, separators: str, tokens: Mapping[str, str]) -> SearchPath:
    """Split a DT_RPATH, DT_RUNPATH (":") or LD_LIBRARY_PATH (":;") as glibc does: an empty element is ``.``."""
    if not text:
        return SearchPath()
    elements = re.split(f"[{separators}]", text)
    expanded = [(element, expand(element, tokens)) for element in elements]
    return SearchPath(
        tuple(directory or "." for _, directory in expanded if directory is not None),
        tuple(element for element, directory in expanded if directory is None),
    )


def split_musl(text: str) -> tuple[str, ...]:
    """Split any of musl's paths: at colons and newlines, empty elements dropped."""
    return tuple(element for element in re.split("[:\n]", text) if element)


def expand_musl(text: str, origin: str) -> str | None:
    """Substitute $ORIGIN; None if the text has any other use of ``$``, for which musl ignores all of it."""
    if "$" not in text:
        return text
    if "$" in _ORIGIN.sub("", text):
        return None
    return _ORIGIN.sub(lambda _: origin, text)
