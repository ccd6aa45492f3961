"""Values of known types as JSON, and back: what comes back is of that type, or refused.

A dataclass is the list of its fields' values, in order; a set is a sorted list. Text may hold lone
surrogates, which stand for a file name's bytes that are no UTF-8: so JSON is ASCII here, by the
standard library.
"""

import json
import types
from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")

_PLAIN = (bool, int, float, str, types.NoneType)


def dumps(value: object) -> bytes:
    """A value as JSON."""
    return json.dumps(value, default=_plain, separators=(",", ":")).encode()


def loads(form: type[T], data: bytes) -> T:
    """A value of a type.

    Raises:
        ValueError: if the data is no JSON, or no value of the type.
    """
    try:
        value: T = _reader(cast("Hashable", form))(json.loads(data.decode("ascii")))
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    return value


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, field.name) for field in fields(value)]
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no plain form")


@cache
def _reader(form: Hashable) -> Callable[[Any], Any]:
    """Return a function that checks and makes values of a type."""
    if form in _PLAIN:
        return _of_class(form)
    if isinstance(form, type) and issubclass(form, Enum):
        return form
    if is_dataclass(form):
        return _of_fields(form)
    return _generic(form)


def _generic(form: Any) -> Callable[[Any], Any]:
    origin, arguments = get_origin(form), get_args(form)
    if origin is Literal:
        return _of_values(frozenset(arguments))
    if origin in (Union, types.UnionType):
        return _or_nothing(*(_reader(part) for part in arguments if part is not types.NoneType))
    if origin is tuple and arguments[-1] is Ellipsis:
        return _of_all(_reader(arguments[0]), tuple)
    if origin is tuple:
        return _of_each(tuple(map(_reader, arguments)), lambda *values: values)
    if origin is frozenset:
        return _of_all(_reader(arguments[0]), frozenset)
    if origin is not None and issubclass(origin, Mapping):
        return _of_items(_reader(arguments[1]))
    raise TypeError(f"{form} has no plain form")


def _of_class(form: type) -> Callable[[Any], Any]:
    forms = (int, float) if form is float else (form,)

    def read(value: Any) -> Any:
        if type(value) not in forms:
            raise ValueError(f"{type(value).__name__}, where {form.__name__} is expected")
        return value

    return read


def _of_values(values: frozenset[Any]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not str or value not in values:
            raise ValueError("not one of the values that are expected")
        return value

    return read


def _of_fields(form: Any) -> Callable[[Any], Any]:
    hints = get_type_hints(form)
    return _of_each(tuple(_reader(hints[field.name]) for field in fields(form)), form)


def _of_each(
    readers: tuple[Callable[[Any], Any], ...], make: Callable[..., Any]
) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not list or len(value) != len(readers):
            raise ValueError(f"not a list of {len(readers)} values")
        return make(*[one(part) for one, part in zip(readers, value, strict=True)])

    return read


def _of_all(reader: Callable[[Any], Any], make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not list:
            raise ValueError("not a list")
        return make(map(reader, value))

    return read


def _of_items(reader: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not dict:
            raise ValueError("not an object")
        return {name: reader(part) for name, part in value.items()}

    return read


def _or_nothing(reader: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        return None if value is None else reader(value)

    return read
