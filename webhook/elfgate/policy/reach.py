"""The parts of a document that policies see only where their METADATA says that they look at them.

An object's labels, commands, volumes and the like make pods differ that are alike in all else, so
that no verdict would be remembered for long if each could change one. Each such field is marked
here with its word in ``looks_at``.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from pydantic import BaseModel, Field

M = TypeVar("M", bound=BaseModel)


def looked_at(look: str, description: str, **form: Any) -> Any:
    """A field that is as its default says unless a rule's ``looks_at`` has the word.

    Args:
        look: The word.
        description: The field's, for people.
        form: As for ``written``.
    """
    return Field(
        description=f"{description}. Only for rules whose looks_at has {look}",
        json_schema_extra={"looks_at": look, **form},
    )


def written(description: str | None = None, **form: Any) -> Any:
    """A text whose form is told, and not held: what images and objects say may be anything.

    Args:
        description: For people.
        form: ``enum``, as a JSON Schema has it, or ``form``, by a name of ``policy.forms``; and the
            word of ``looks_at`` without which it is left empty (``hidden_without``) or a mark stands
            for it (``marked_without``, ``policy.mask``).
    """
    return Field(description=description, json_schema_extra=form)


@cache
def looks_of(model: type[BaseModel]) -> Mapping[str, str]:
    """The fields of a model that are seen only if looked at, each with its word."""
    return {
        name: str(field.json_schema_extra["looks_at"])
        for name, field in model.model_fields.items()
        if isinstance(field.json_schema_extra, dict) and "looks_at" in field.json_schema_extra
    }


def seen(entry: M, looks: frozenset[str]) -> M:
    """The entry without what is not looked at; the very same if it has nothing of it."""
    marked = looks_of(type(entry))
    if entry.model_fields_set.isdisjoint(marked):  # most often
        return entry
    hidden = {name for name in marked if marked[name] not in looks}
    return entry.model_validate(
        {name: getattr(entry, name) for name in entry.model_fields_set - hidden}
    )


def plain(entry: BaseModel) -> dict[str, Any]:
    """The entry's fields by name, without those that are seen only if looked at.

    Those stay that were put there.
    """
    marked, given = looks_of(type(entry)), entry.model_fields_set
    if not marked or given.issuperset(marked):
        return vars(entry)
    values = vars(entry).copy()
    for name in marked:
        if name not in given:
            del values[name]
    return values
