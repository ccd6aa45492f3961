"""Files of policies: those that come with elfgate, a bundle's folder, a folder of own rules."""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import orjson

from elfgate.errors import InputError

_MAX_BYTES = 4 << 20  # one file of a bundle
_MAX_FILES = 2_000
_DATA = ("data.json", "data.yaml", "data.yml")  # as OPA reads them


def shipped() -> Traversable:
    """The folder of the bundle inside the installed package.

    In an editable install it is in the source tree.
    """
    packaged = files("elfgate") / "policies"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "policies"


def unchanged(path: str, text: str) -> bool:
    """Whether a module is as it came with elfgate."""
    return shipped_modules().get(path) == text


@cache
def shipped_modules() -> Mapping[str, str]:
    """The modules that come with elfgate, by path."""
    return dict(modules_of(shipped(), tests=False))


@cache
def shipped_settings() -> Mapping[str, Any]:
    """``data.elfgate.config`` of the bundle that comes with elfgate."""
    settings: Mapping[str, Any] = json_of(shipped() / "data.json")["elfgate"]["config"]
    return settings


def own_sources(folder: Path) -> dict[str, str]:
    """The user's rules in a folder, without their tests, by their path in it.

    Raises:
        InputError: if they cannot be read.
    """
    return dict(modules_of(folder, tests=False))


def data_beside(folder: Path) -> list[Path]:
    """The files of data in a folder of rules, which nothing reads; a bundle's folder has some."""
    if (folder / ".manifest").exists():
        return []
    return [folder / name for name in _DATA if (folder / name).is_file()]


def sources(folder: Path) -> bytes:
    """The Rego in a folder, as bytes that differ when any of it does.

    What keeps it from being read, if that is so.
    """
    try:
        return orjson.dumps(modules_of(folder, tests=False))
    except InputError as error:
        return str(error).encode()


def modules_of(root: Traversable, *, tests: bool) -> list[tuple[str, str]]:
    """The Rego in and below a folder, by path.

    Raises:
        InputError: if there is none, or a file is too large or no text.
    """
    found = [
        (path, _text(file))
        for path, file in _walk(root, "")
        if path.endswith(".rego") and (tests or not path.endswith("_test.rego"))
    ]
    if not found:
        raise InputError(f"{root} is not a policy bundle: no Rego files in it")
    return sorted(found)


def _walk(folder: Traversable, prefix: str) -> Iterable[tuple[str, Traversable]]:
    try:
        entries = sorted(folder.iterdir(), key=lambda entry: entry.name)
    except OSError as error:
        raise InputError(f"cannot read the policies in {folder}: {error.strerror}") from None
    if len(entries) > _MAX_FILES:
        raise InputError(
            f"{folder} holds {len(entries)} files, more than the {_MAX_FILES} of a policy bundle"
        )
    for entry in entries:
        if entry.name.startswith(".."):
            continue  # where a ConfigMap's volume keeps the files that its links lead to
        path = f"{prefix}{entry.name}"
        if entry.is_dir() and prefix.count("/") < 8:
            yield from _walk(entry, f"{path}/")
        elif entry.is_file():
            yield path, entry


def json_of(file: Traversable) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        InputError: if it is none.
    """
    try:
        value = orjson.loads(_text(file))
    except orjson.JSONDecodeError as error:
        raise InputError(f"{file} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise InputError(f"{file} is not a JSON object")
    return value


def _text(file: Traversable) -> str:
    try:
        with file.open("rb") as stream:
            content = stream.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise InputError(f"{file} is larger than {_MAX_BYTES >> 20} MiB")
        return content.decode()
    except OSError as error:
        raise InputError(f"cannot read {file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{file} is not UTF-8") from None
