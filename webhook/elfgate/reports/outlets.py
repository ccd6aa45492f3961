"""The places of a report.

Forms on standard output or in files, several at once (``-o text -o sarif=report.sarif``).
"""

import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from elfgate.errors import InputError
from elfgate.likely import meant

_STANDARD_OUTPUT = {"", "-"}
_OTHER_WORDS = {"table": "text"}  # what scan and matrix called it


@dataclass(frozen=True, slots=True)
class Outlet:
    """One form.

    Attributes:
        form: Which.
        path: The file it is written to; None for standard output.
    """

    form: str
    path: Path | None = None


def outlets(texts: Sequence[str], forms: Sequence[str]) -> tuple[Outlet, ...]:
    """Read ``FORMAT`` and ``FORMAT=FILE``; the first form on standard output if there is none.

    Raises:
        InputError: if one is no form, or two would be in one place.
    """
    found = tuple(_outlet(text, forms) for text in texts) or (Outlet(forms[0]),)
    files = Counter(each.path for each in found if each.path)
    for path, count in files.items():
        if count > 1:
            raise InputError(f"{path} is named for {count} formats", hint="name a file for each")
    if sum(each.path is None for each in found) > 1:
        raise InputError(
            "only one format can be on standard output", hint="write the others as FORMAT=FILE"
        )
    return found


def _outlet(text: str, forms: Sequence[str]) -> Outlet:
    word, equals, file = text.partition("=")
    form = _OTHER_WORDS.get(word, word)
    if form not in forms:
        raise InputError(f"unknown format {form!r}", hint=meant(form, forms))
    if equals and not file:
        raise InputError(f"-o {text} names no file", hint=f"write -o {form}=FILE")
    return Outlet(form, Path(file) if file not in _STANDARD_OUTPUT else None)


def write(
    chosen: Sequence[Outlet],
    writers: Mapping[str, Callable[[], str]],
    paint: Callable[[str], str] = str,
) -> None:
    """Write each form to its place, the files first.

    Args:
        chosen: The places.
        writers: What writes each form.
        paint: What colors a text for standard output.

    Raises:
        InputError: if a file cannot be written.
    """
    for outlet in sorted(chosen, key=lambda each: each.path is None):
        text = writers[outlet.form]()
        if outlet.path is None:
            _encode(sys.stdout, outlet.form)
            sys.stdout.write(paint(text) if outlet.form == "text" else text)
            continue
        try:
            outlet.path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise InputError(f"{outlet.path}: {error.strerror}") from error


def _encode(stream: TextIO, form: str) -> None:
    """Have a stream take every letter, whatever the locale: escaped for people, UTF-8 for programs."""
    if not isinstance(stream, TextIOWrapper):
        return
    if form == "text":
        stream.reconfigure(errors="backslashreplace")
    else:
        stream.reconfigure(encoding="utf-8")
