"""Options that stand: in variables of the environment, and in a project's ``.elfgate.yaml``.

What the command line says wins over a variable, and a variable over the file. Each is put before
the words of the command line, where argparse lets later ones win.
"""

import argparse
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from elfgate.errors import InputError
from elfgate.likely import meant

FILE = ".elfgate.yaml"
PREFIX = "ELFGATE_"
VERBS = ("audit", "bases", "check", "compare", "matrix", "needs", "scan", "ui")
"""The verbs that take a project's file: they judge, and start and change nothing."""

# A project is not to say where credentials go, or that its own images are looked into unconfined.
_PERSONAL = {"docker-config", "hosts-dir", "insecure-registry", "isolation", "store"}
_ASKED_EACH_TIME = {"help", "version", "breakglass", "yes"}
# Kubernetes tells pods of Services in variables: ELFGATE_PORT of one called elfgate (docs,
# "Service").
_OF_SERVICES = ("tcp://", "udp://", "sctp://")


def standing(
    parser: argparse.ArgumentParser,
    verb: str,
    words: Sequence[str],
    *,
    environment: Mapping[str, str] = os.environ,
    folder: Path | None = None,
) -> list[str]:
    """The words of a command line, after those that stand.

    Args:
        parser: The verb's.
        verb: Its name.
        words: What the command line says.
        environment: The variables.
        folder: Where the search for the file begins; None for the working directory.

    Raises:
        InputError: if a variable or the file cannot be used.
    """
    options = {action.option_strings[-1][2:]: action for action in _taken(parser)}
    given = {word.partition("=")[0] for word in words}
    told = _of_file(verb, options, folder or _here()) | _of_variables(options, environment)
    found: list[str] = []
    for name, (value, place) in told.items():
        if not _is_decided(parser, options[name], given):
            found += _words(options[name], value, place)
    return [*found, *words]


def _here() -> Path:
    """The working directory; the top one where somebody has removed it."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path("/")


def _taken(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:  # noqa: SLF001 - argparse has no other list
        if action.option_strings and action.dest not in _ASKED_EACH_TIME:
            yield action


def _is_decided(parser: argparse.ArgumentParser, action: argparse.Action, given: set[str]) -> bool:
    """Tell whether the command line has an option, or another one that excludes it."""
    if action.nargs != 0 and isinstance(action.default, list):
        return False  # it may be repeated
    rivals = {*action.option_strings}
    for group in parser._mutually_exclusive_groups:  # noqa: SLF001 - as above
        members = group._group_actions  # noqa: SLF001 - as above
        if action in members:
            rivals.update(name for each in members for name in each.option_strings)
    return bool(rivals & given)


def _of_variables(
    options: Mapping[str, argparse.Action], environment: Mapping[str, str]
) -> dict[str, tuple[Any, str]]:
    found = {}
    for name in options:
        variable = PREFIX + name.replace("-", "_").upper()
        value = environment.get(variable, "")
        if value and not value.startswith(_OF_SERVICES):
            found[name] = value, variable
    return found


def _of_file(
    verb: str, options: Mapping[str, argparse.Action], folder: Path
) -> dict[str, tuple[Any, str]]:
    """The options that the nearest file has for a verb."""
    path = _nearest(folder) if verb in VERBS else None
    if path is None:
        return {}
    told = _read(path).get(verb) or {}
    if not isinstance(told, dict):
        raise InputError(f"{path}: {verb} is not a mapping of options")
    for name in told:
        if name in _PERSONAL:
            raise InputError(f"{path}: {verb}: {name} is not for a file", hint="use a variable")
        if name not in options:
            hint = meant(str(name), sorted(options))
            raise InputError(f"{path}: {verb}: unknown option {name!r}", hint=hint)
    return {name: (value, f"{path}: {verb}: {name}") for name, value in told.items()}


def _nearest(folder: Path) -> Path | None:
    """The file in a folder or above it, up to the top of a repository."""
    for place in (folder, *folder.parents):
        path = place / FILE
        if path.is_file() and path.stat().st_uid in {0, os.getuid()}:
            return path
        if (place / ".git").exists():
            return None
    return None


def _read(path: Path) -> Mapping[str, Any]:
    """The options by verb.

    Raises:
        InputError: if the file cannot be read, or names what is no verb.
    """
    from elfgate.settings_file import document

    told = document(path)
    if told is None:  # it is empty
        return {}
    if not isinstance(told, dict):
        raise InputError(f"{path}: not a mapping of verbs")
    for verb in told:
        if verb not in VERBS:
            raise InputError(f"{path}: unknown verb {verb!r}", hint=meant(str(verb), VERBS))
    return told


def _words(action: argparse.Action, value: Any, place: str) -> Iterator[str]:
    """An option as a command line would say it."""
    option = action.option_strings[-1]
    if action.nargs == 0:
        if str(value).lower() not in {"true", "false", "1", "0"}:
            raise InputError(f"{place} is {value!r}", hint="true or false")
        if str(value).lower() in {"true", "1"}:
            yield option
        return
    is_many = isinstance(action.default, list)
    several = value.split() if is_many and isinstance(value, str) else value
    for each in several if isinstance(several, list) else [several]:
        if not isinstance(each, str | int | float):
            raise InputError(f"{place} is neither a word nor a number")
        yield f"{option}={each}"
