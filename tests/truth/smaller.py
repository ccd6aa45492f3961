"""Makes a case smaller that disagrees, as long as it disagrees in the same way."""

from collections.abc import Callable, Iterator
from typing import Any

Fields = dict[str, Any]
_TRIES = 40


def smaller(fields: Fields, still: Callable[[Fields], bool]) -> Fields:
    """Leave out of a case whatever it disagrees without.

    Args:
        fields: The case, as a row of ``cases/*.yaml``.
        still: Tells whether a case disagrees.
    """
    tries = _TRIES
    progress = True
    while progress and tries > 0:
        progress = False
        for less in _without_one(fields):
            tries -= 1
            if still(less):
                fields, progress = less, True
                break
            if not tries:
                break
    return fields


def _without_one(fields: Fields) -> Iterator[Fields]:
    """The case without one file, variable, or property of a file."""
    files = fields.get("files", {})
    for path in files:
        if path != "/app/x":
            rest = {other: file for other, file in files.items() if other != path}
            yield {**fields, "files": rest}
    for name in fields.get("env", {}):
        yield {**fields, "env": {key: text for key, text in fields["env"].items() if key != name}}
    if "ldconfig" in fields:
        yield {key: value for key, value in fields.items() if key != "ldconfig"}
    for path, file in files.items():
        for key in set(file) - {"elf", "libc", "link", "text", "directory", "copy", "called"}:
            rest = {name: value for name, value in file.items() if name != key}
            yield {**fields, "files": {**files, path: rest}}
