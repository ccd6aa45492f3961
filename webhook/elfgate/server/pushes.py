"""The images that a registry's push notification names, whatever registry it is of.

One row of a table for each form.

Sources: distribution's notifications/event.go (GitLab's registry sends the same), Harbor's
"Configure Webhook Notifications" (both payload formats), Quay's "Repository Notifications", zot's
pkg/extensions/events.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, ValidationError

from elfgate.errors import InputError
from elfgate.images.reference import Reference

MOST_IMAGES = 100  # of one notification
_ZOT = "zotregistry.image.updated"
_HARBOR = frozenset({"PUSH_ARTIFACT", "harbor.artifact.pushed"})

Text = Annotated[str, StringConstraints(max_length=1024)]
Optional = Annotated[Text, BeforeValidator(lambda value: value or "")]


class _Target(BaseModel):
    repository: Optional = ""
    tag: Optional = ""
    digest: Optional = ""


class _Request(BaseModel):
    host: Optional = ""


class _Event(BaseModel):
    action: Optional = ""
    target: _Target = _Target()
    request: _Request = _Request()


class _Distribution(BaseModel):
    events: Annotated[list[_Event], Field(max_length=1000)]

    def images(self, registry: str) -> Iterator[str]:
        """The tag that was pushed.

        An index's parts come by their digests before it, and with it.
        """
        for event in self.events:
            if event.action == "push" and event.target.tag:
                place = f"{registry or event.request.host}/{event.target.repository}"
                yield _named(place, event.target.tag, event.target.digest)


class _Resource(BaseModel):
    digest: Optional = ""
    tag: Optional = ""
    resource_url: Text


class _Resources(BaseModel):
    resources: Annotated[list[_Resource], Field(max_length=1000)]


class _Harbor(BaseModel):
    type: Text
    event_data: _Resources | None = None
    data: _Resources | None = None

    def images(self, registry: str) -> Iterator[str]:
        """The push, named by its URL without a scheme; a push by digest names no tag."""
        told = self.event_data or self.data
        if told is None or self.type not in _HARBOR:
            return
        for resource in told.resources:
            host, _, path = resource.resource_url.partition("/")
            repository = path.partition("@")[0].removesuffix(f":{resource.tag}")
            if resource.tag:
                yield _named(f"{registry or host}/{repository}", resource.tag, resource.digest)


class _Quay(BaseModel):
    docker_url: Text
    updated_tags: Annotated[list[Text] | dict[Text, Any], Field(max_length=1000)]

    def images(self, registry: str) -> Iterator[str]:
        """The tags that were pushed."""
        host, _, repository = self.docker_url.partition("/")
        for tag in self.updated_tags:
            yield f"{registry or host}/{repository}:{tag}"


class _Zot(BaseModel):
    name: Text
    reference: Text
    digest: Optional = ""

    def images(self, registry: str) -> Iterator[str]:
        """The tag that was pushed; zot does not tell its own name."""
        if ":" not in self.reference:
            yield _named(f"{registry}/{self.name}", self.reference, self.digest)


_Form = type[_Distribution] | type[_Harbor] | type[_Quay] | type[_Zot]

# The key that tells a form from the others, and the form.
_FORMS: Mapping[str, _Form] = {
    "events": _Distribution,
    "event_data": _Harbor,
    "specversion": _Harbor,
    "updated_tags": _Quay,
    "reference": _Zot,
}


def pushed(document: object, *, registry: str = "", event: str = "") -> list[str]:
    """The images that a notification tells of, each once; none if it tells of something else.

    Args:
        document: Its body, as JSON has it.
        registry: The registry's name, for nodes to pull by, where it does not tell that or tells
            another.
        event: The type of a CloudEvent that stands in a header.

    Raises:
        InputError: if it is of no form that is known, or names what is no image.
    """
    form = next((form for key, form in _FORMS.items() if _has(document, key)), None)
    if form is None:
        raise InputError("no form of notification that is known")
    if form is _Zot and event != _ZOT:
        return []
    try:
        names = form.model_validate(document).images(registry)
        images = list(dict.fromkeys(str(Reference.parse(name)) for name in names))
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        place = ".".join(map(str, detail["loc"]))
        raise InputError(f"{place}: {detail['msg'][:1].lower()}{detail['msg'][1:]}") from None
    if len(images) > MOST_IMAGES:
        raise InputError(f"more than {MOST_IMAGES} images in one notification")
    return images


def _has(document: object, key: str) -> bool:
    return isinstance(document, Mapping) and key in document


def _named(place: str, tag: str, digest: str) -> str:
    """An image by what was pushed, if that is told.

    The tag may be remembered to point elsewhere.
    """
    return f"{place}:{tag}@{digest}" if digest else f"{place}:{tag}"
