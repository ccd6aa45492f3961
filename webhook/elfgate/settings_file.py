"""A file of settings as one YAML document, in which no key stands twice."""

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from elfgate.errors import InputError

FILE_BYTES = 1 << 20


class _Strict(yaml.SafeLoader):
    """Refuses a key that stands twice in one mapping, where the first one would be lost without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - PyYAML's own
        keys = [key for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        seen: set[str] = set()
        for key in keys:
            if key.value in seen:
                words = f"{key.value} stands twice in one mapping"
                raise yaml.constructor.ConstructorError(None, None, words, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def document(path: Path) -> Any:
    """Read the one YAML document of a file.

    Raises:
        InputError: if the file cannot be read, is too large, or is no YAML; one line with its place.
    """
    try:
        with path.open("rb") as file:
            text = file.read(FILE_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    if len(text) > FILE_BYTES:
        raise InputError(f"{path}: larger than {FILE_BYTES} bytes")
    try:
        return yaml.load(text, Loader=_Strict)  # noqa: S506 - a safe loader with one check more
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise InputError(
            f"{where}: invalid YAML: {getattr(error, 'problem', None) or 'cannot be decoded'}"
        ) from None
