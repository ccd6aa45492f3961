"""JSON as the runtimes' own decoder has it: Go's encoding/json."""

import re
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

# An escape in JSON: a pair of surrogates, half a pair (its own length tells it), or another.
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
    r"|\\."
)
_HALF = len(r"\ud800")


class Model(BaseModel):
    """A document whose keys match whatever their case; the last one counts.

    Its nulls are as if they were not there, and a null in its place is one without any key.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _fold_case(cls, data: Any) -> Any:
        if data is None:
            return {}
        if not isinstance(data, dict):
            return data
        names = {
            (field.alias or name).lower(): field.alias or name
            for name, field in cls.model_fields.items()
        }
        folded = {names[key.lower()]: value for key, value in data.items() if key.lower() in names}
        return {key: value for key, value in folded.items() if value is not None}


def _or_empty(text: Any) -> Any:
    return "" if text is None else text


Text = Annotated[str, BeforeValidator(_or_empty)]
"""A text of a list or a map: null is an empty one."""


def loaded(data: bytes) -> Any:
    """Read JSON as Go does: what is no Unicode text in it is replaced.

    Raises:
        orjson.JSONDecodeError: if it is none.
    """
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return orjson.loads(_ESCAPE.sub(_whole, data.decode("utf-8", "replace")))


def _whole(escape: re.Match[str]) -> str:
    return r"\ufffd" if len(escape[0]) == _HALF else escape[0]
