"""A denial or a warning in the documents: with its image, its nodes, its rule and its place."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from pydantic import Field

from elfgate.policy.rulebook import Rulebook
from elfgate.results.image import content_digest, tag_of
from elfgate.results.model import Model

if TYPE_CHECKING:
    from elfgate.cluster.manifests import Manifest
    from elfgate.cluster.workload import Workload
    from elfgate.gate.gate import Judgement
    from elfgate.policy.verdict import Violation

_KINDS = ("denials", "warnings", "would_deny")


class NodesOutput(Model):
    """The nodes of one platform."""

    platform: str
    nodes: int
    names: list[str] = Field(description="of some of them")


class PlaceOutput(Model):
    """A place in a file, from 1."""

    file: str
    line: int
    column: int


class ViolationOutput(Model):
    """One denial or warning, in the words of its rule."""

    code: str = Field(description="the rule's")
    title: str = Field(default="", description="what the rule finds, in a few words")
    link: str = Field(default="", description="the page that explains the rule")
    container: str = Field(default="", description="empty if it is about the pod as a whole")
    image: str = Field(default="", description="the container's, as it is written")
    tag: str = Field(default="", description="of the image")
    digest: str | None = Field(
        default=None, description="what the image's name leads to; null if it was not read"
    )
    platforms: list[str] = Field(default=[])
    nodes: list[NodesOutput] = Field(default=[], description="the nodes of those platforms")
    headline: str
    lines: list[str] = Field(default=[])
    remedy: str = Field(default="", description="the way out")
    help: str = Field(default="", description="the settings' words of where help is")
    place: PlaceOutput | None = Field(
        default=None, description="where the container's image is named; null if not known"
    )


def violations(
    manifest: "Manifest",
    workload: "Workload",
    judgement: "Judgement",
    book: Rulebook,
) -> "Mapping[str, list[ViolationOutput]]":
    """The violations of a verdict, by their kind."""
    told = _Told(manifest, workload, judgement, book)
    by_kind = {}
    for kind in _KINDS:
        found = getattr(judgement.verdict, kind)
        by_kind[kind] = [told.output(each) for each in found]
    return by_kind


class _Told:
    """Tells of the violations of one object."""

    def __init__(
        self,
        manifest: "Manifest",
        workload: "Workload",
        judgement: "Judgement",
        book: Rulebook,
    ) -> None:
        self._manifest = manifest
        self._images = dict(_images(workload))
        self._judgement = judgement
        self._book = book

    def output(self, violation: "Violation") -> ViolationOutput:
        """One of them, with all that is known of it."""
        image = self._images.get(violation.container, "")
        digest = self._judgement.digests.get(image, "")
        return ViolationOutput(
            **violation.model_dump(),
            title=self._book.title(violation.code),
            link=self._book.link(violation.code),
            image=image,
            tag=tag_of(image) if image else "",
            digest=content_digest(digest),
            nodes=list(self._nodes(violation)),
            place=self._place(violation.container, image),
        )

    def _nodes(self, violation: "Violation") -> Iterator[NodesOutput]:
        for target in self._judgement.document.targets:
            if target.platform in violation.platforms:
                yield NodesOutput(
                    platform=target.platform,
                    nodes=target.nodes,
                    names=target.names,
                )

    def _place(self, container: str, image: str) -> PlaceOutput | None:
        """The place of a container's image, at or after the object's own line."""
        file, _, line = self._manifest.position.rpartition(":")
        first = int(line) if line.isdecimal() else 1
        named = (container, image)
        for place in self._manifest.images:
            is_named = (place.container, place.image) == named
            if is_named and place.line >= first:
                return PlaceOutput(
                    file=file,
                    line=place.line,
                    column=place.column,
                )
        return None


def _images(workload: "Workload") -> Iterator[tuple[str, str]]:
    """Each container's name and image; of two of one name, the last."""
    from elfgate.cluster.workload import parts_of  # noqa: PLC0415 - a verb loads what it needs

    for part in parts_of(workload):
        for container in part.containers:
            yield container.name, container.image
