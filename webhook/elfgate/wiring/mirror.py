"""Images copied into a registry of one's own."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

import aiohttp

from elfgate.errors import InputError, UnreadableError
from elfgate.images.addresses import is_loopback_host
from elfgate.images.chart_package import CHART_TYPE, chart_images, no_chart
from elfgate.images.copying import Copied, copy
from elfgate.images.docker_config import DockerConfig
from elfgate.images.manifest import Manifest, read_document
from elfgate.images.reference import Reference
from elfgate.images.registry import Repository
from elfgate.images.source import Descriptor, Limits
from elfgate.images.upload import Upload
from elfgate.settings.images import Registries
from elfgate.wiring.locator import Locator, docker_config
from elfgate.wiring.reading import Reading

_SECONDS = 3_600.0  # of one request


@dataclass(slots=True)
class Mirrored:
    """An artefact, and its place in the other registry.

    Attributes:
        image: The artefact as it was named, with its tag or digest.
        target: The reference there.
        digest: Of its index or manifest: the same in both.
        copied: How much was sent.
        signatures: Tags of signatures and statements that went along.
    """

    image: str
    target: str
    digest: str
    copied: Copied = field(default_factory=Copied)
    signatures: list[str] = field(default_factory=list)


class Mirror:
    """Copies from registries into one. Made by ``mirror``."""

    def __init__(
        self, locator: Locator, session: aiohttp.ClientSession, to: str, insecure: Sequence[str]
    ) -> None:
        self._locator = locator
        self._session = session
        self._to = to.rstrip("/")
        self._insecure = insecure
        self._docker = DockerConfig.read(docker_config())

    def plan(self, image: str) -> Mirrored:
        """The artefact that a reference names now, and its place; nothing is copied.

        Raises:
            InputError: if it is no reference of a registry.
            UnreadableError: if it is not to be had.
        """
        reference = Reference.parse(image)
        top = self._repository(image).resolve(reference.target)
        place = f"{self._to}/{reference.repository}"
        suffix = f":{reference.tag}" if reference.tag else f"@{top.digest}"
        return Mirrored(str(reference), place + suffix, top.digest)

    async def copy(self, planned: Mirrored) -> None:
        """Copy an artefact, and what is signed of it.

        Raises:
            UnreadableError: if a part is not to be had.
            InputError: if the other registry does not take it.
        """
        source = self._repository(planned.image)
        upload = self._upload(Reference.parse(planned.target))
        name = Reference.parse(planned.target).tag or planned.digest
        planned.copied = await copy(source, source.resolve(planned.digest), upload, name=name)
        for tag in _signed(planned.digest):
            if found := _if_there(source, tag):
                await copy(source, found, upload, name=tag)
                planned.signatures.append(tag)

    def of_chart(self, chart: str) -> list[str]:
        """The images that elfgate's chart installs by its own values.

        Raises:
            UnreadableError: if it is not to be had, or is no chart.
        """
        source = self._repository(chart)
        top = source.resolve(Reference.parse(chart).target)
        manifest = read_document(source.document(top), top, limits=Limits())
        layers = manifest.layers if isinstance(manifest, Manifest) else ()
        charts = [layer for layer in layers if layer.media_type == CHART_TYPE]
        if len(charts) != 1:
            raise no_chart(chart)
        return chart_images(source.document(charts[0]), chart)

    def _repository(self, image: str) -> Repository:
        source = self._locator(image).source
        if not isinstance(source, Repository):
            raise InputError(f"{image} is not in a registry", hint="name a registry's reference")
        return source

    def _upload(self, target: Reference) -> Upload:
        found = self._docker.find(target.name)
        host = urlsplit(f"//{target.registry}").hostname or ""
        plain_http = target.registry in self._insecure or is_loopback_host(host)
        credential = found[0] if found else None
        return Upload(self._session, target, credential, plain_http=plain_http)


@asynccontextmanager
async def mirror(to: str, *, insecure: Sequence[str]) -> AsyncIterator[Mirror]:
    """A mirror, its connections closed at the end.

    Args:
        to: The registry and the path that stand before each repository.
        insecure: Registries that speak HTTP without TLS.

    Raises:
        InputError: if ``to`` is no place in a registry.
    """
    Reference.parse(f"{to}/image")
    if "." not in to.partition("/")[0] and ":" not in to.partition("/")[0]:
        raise InputError(f"{to!r} names no registry", hint="write REGISTRY or REGISTRY/PATH")
    registries = Registries(insecure=tuple(insecure), loopback=True)
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    with closing(Locator(replace(Reading(), registries=registries))) as locator:
        async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session:
            yield Mirror(locator, session, to, insecure)


def _signed(digest: str) -> tuple[str, str]:
    """The tags that cosign keeps signatures and statements by."""
    stem = digest.replace(":", "-")
    return f"{stem}.sig", f"{stem}.att"


def _if_there(source: Repository, tag: str) -> Descriptor | None:
    with suppress(UnreadableError):
        return source.resolve(tag)
    return None
