"""Reads ``os-release`` (os-release(5)): ``NAME=value`` lines, quoted as a shell would."""

import re

_LINE = re.compile(
    r"""\s*([A-Za-z_][A-Za-z0-9_]*)=(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([^\s"'#]*))\s*(?:#.*)?"""
)
_ESCAPED = re.compile(r"\\(.)")


def parse(text: str) -> dict[str, str]:
    """The assignments of an os-release file.

    A later one of the same name counts, a line of another form does not.
    """
    values: dict[str, str] = {}
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match:
            name, double, single, bare = match.groups()
            quoted = _ESCAPED.sub(r"\1", double) if double is not None else single
            values[name] = quoted if quoted is not None else bare
    return values
