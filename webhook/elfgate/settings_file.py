"""A file of settings: one YAML document, in which no key stands twice, and words for its faults."""

from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel
from pydantic_core import ErrorDetails

from elfgate.errors import InputError
from elfgate.given_file import SETTING_BYTES, contents
from elfgate.likely import likely

_UNKNOWN = frozenset(("extra_forbidden", "unexpected_keyword_argument"))
_PLAIN = {
    **dict.fromkeys(_UNKNOWN, "no such setting"),
    "missing": "must be set",
    "model_type": "must be a mapping of settings",
    "dict_type": "must be a mapping",
    "string_type": "must be a text",
    "string_too_short": "must not be empty",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "too_short": "must have an entry at least",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
}


class _Strict(yaml.SafeLoader):
    """Refuses a key that stands twice in one mapping: PyYAML would drop the first one silently."""

    def construct_mapping(
        self,
        node: yaml.MappingNode,
        deep: bool = False,  # noqa: FBT001, FBT002 - PyYAML's own
    ) -> dict[Hashable, Any]:
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
        InputError: if the file cannot be read, is too large, or is no YAML; one line with its
            place.
    """
    text = contents(path, SETTING_BYTES)
    try:
        return yaml.load(text, Loader=_Strict)  # noqa: S506 - a safe loader with one check more
    except RecursionError:
        raise InputError(f"{path}: invalid YAML: nested too deep") from None
    except (yaml.YAMLError, ValueError) as error:
        raise InputError(_invalid(path, error)) from None


def _invalid(path: Path, error: yaml.YAMLError | ValueError) -> str:
    """The line that tells why a file is no YAML, with its place where PyYAML knows it."""
    mark = getattr(error, "problem_mark", None)
    where = f"{path}:{mark.line + 1}" if mark else str(path)
    said = getattr(error, "problem", None) or str(error).partition("\n")[0]
    return f"{where}: invalid YAML: {said or 'cannot be decoded'}"


def problem(detail: ErrorDetails, settings: type[BaseModel]) -> str:
    """One thing that is wrong with settings: the key, and what."""
    key = ".".join(str(part) for part in detail["loc"] if part != "[key]")
    message = detail["msg"].removeprefix("Value error, ")
    text = _PLAIN.get(detail["type"]) or message[:1].lower() + message[1:]
    if detail["type"] in _UNKNOWN and (
        found := likely(str(detail["loc"][-1]), _beside(detail, settings))
    ):
        text += f'; did you mean "{found}"?'
    return f"{key}: {text}" if key else text


def _beside(detail: ErrorDetails, settings: type[BaseModel]) -> Iterable[str]:
    """The settings that may stand where one is wrong."""
    model: type[BaseModel] | None = settings
    for part in detail["loc"][:-1]:
        field = model.model_fields.get(str(part)) if model else None
        model = _model(field.annotation) if field else None
    return model.model_fields if model else ()


def _model(annotation: object) -> type[BaseModel] | None:
    """The model of a field, which may be absent."""
    types = (each for each in (annotation, *get_args(annotation)) if isinstance(each, type))
    return next((each for each in types if issubclass(each, BaseModel)), None)
