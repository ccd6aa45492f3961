"""The list of images that ``docker save`` writes into its archives, in either form.

Source: Docker image specification 1.2, "Combined Image JSON + Filesystem Changeset Format".
"""

import orjson
from pydantic import Field, TypeAdapter, ValidationError

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.archive import Archive
from elfgate.images.kinds_of_file import contents_of
from elfgate.images.layout import unreadable
from elfgate.images.lenient import Model, Text, loaded
from elfgate.images.manifest import first_line
from elfgate.images.source import Limits

LISTING = "manifest.json"


class Listed(Model):
    """One image of the list."""

    config: str = Field(alias="Config")
    names: list[Text] | None = Field(default=None, alias="RepoTags")
    layers: list[Text] = Field(default_factory=list, alias="Layers")


_IMAGES = TypeAdapter(list[Listed])


def listing(archive: Archive, limits: Limits) -> list[Listed]:
    """The images of an archive.

    Raises:
        UnreadableError: if it has no such list.
    """
    try:
        return _IMAGES.validate_python(loaded(member(archive, LISTING, limits)))
    except ValidationError as error:
        raise _malformed(archive, first_line(error)) from error
    except orjson.JSONDecodeError as error:
        raise _malformed(archive, f"not JSON: {error}") from error


def member(archive: Archive, path: str, limits: Limits) -> bytes:
    """A document of an archive, by its path.

    Raises:
        UnreadableError: if it is missing, or too large.
    """
    try:
        with archive.open(path) as stream:
            data = stream.read(limits.manifest_bytes + 1)
    except FileNotFoundError as error:
        raise missing(archive, path) from error
    except OSError as error:
        raise unreadable(f"{path} of {archive}", error) from error
    if len(data) > limits.manifest_bytes:
        raise UnreadableError(
            f"{path} of {archive} is larger than {limits.manifest_bytes} bytes",
            reason=UnknownReason.LIMIT_EXCEEDED,
        )
    return data


def missing(archive: Archive, what: str) -> UnreadableError:
    """The error of a part that an archive does not have."""
    kind, hint = contents_of(archive.names()) if what == LISTING else ("", "")
    ending = f": it is {kind}" if kind else ""
    return UnreadableError(
        f"{archive} has no {what}{ending}",
        reason=UnknownReason.IMAGE_NOT_FOUND,
        hint=hint,
    )


def _malformed(archive: Archive, why: str) -> UnreadableError:
    message = f"{LISTING} of {archive} is malformed: {why}"
    return UnreadableError(message, reason=UnknownReason.IMAGE_INVALID)
