"""Attestations of an image: read, stated, signed and attached."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from elfgate import __version__
from elfgate.attest.dsse import envelope
from elfgate.attest.push import Attestation, attach, tell_cosign
from elfgate.attest.statements import FACTS, INDEX_TYPE, VERDICT, facts, statement
from elfgate.errors import InputError
from elfgate.images.digests import digest_of, is_digest
from elfgate.images.source import Descriptor
from elfgate.keys import Signer
from elfgate.platforms import Platform
from elfgate.scan.located import Contents
from elfgate.scan.scanner import Scanner
from elfgate.wiring.images import scanner as scanner_of
from elfgate.wiring.reading import Reading

if TYPE_CHECKING:
    from elfgate.images.reference import Reference
    from elfgate.needs.facts import Needs
    from elfgate.scan.scanner import Linkage

_SECONDS = 600.0
_DIGESTED = "attest an image in a registry, a layout or an archive"

Stated = Callable[["Linkage", "Needs | None"], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Made:
    """One signed statement.

    Attributes:
        kind: ``verdict`` or ``facts``.
        attestation: All of it.
    """

    kind: str
    attestation: Attestation

    @property
    def size(self) -> int:
        """Bytes, of the layers' indexes too."""
        return self.attestation.size


@dataclass(slots=True)
class Attested:
    """The statements about one manifest.

    Attributes:
        subject: The manifest.
        platforms: The platforms that pull it.
        outcome: The worst of what comes of its start there.
        starts: What is stated of each platform.
        contents: The image, as it was read.
        statements: Both, signed.
        named: The digest that the image's name stands for: an index's, or the manifest's own.
    """

    subject: Descriptor
    contents: Contents
    platforms: list[Platform] = field(default_factory=list)
    starts: list[Mapping[str, Any]] = field(default_factory=list)
    statements: tuple[Made, ...] = ()
    named: str = ""

    @property
    def outcome(self) -> str:
        """The outcomes of its start, on all platforms."""
        return ", ".join(dict.fromkeys(start["verdict"] for start in self.starts))


async def attest(
    reading: Reading,
    image: str,
    platforms: Sequence[str],
    *,
    key: Signer,
    stated: Stated,
    push: bool,
) -> list[Attested]:
    """State, sign and attach.

    Args:
        reading: How the image is read.
        image: As it is written.
        platforms: Which; none for all that it offers.
        key: Signs.
        stated: Writes what is stated of a platform: its start, and its needs.
        push: Attach the statements to the image in its registry.

    Raises:
        InputError: if the image is in no registry, or the registry does not take them.
        UnreadableError: if the image cannot be read.
    """
    async with scanner_of(reading) as scanner:
        found = await _gathered(scanner, image, platforms, stated)
    name = _repository(image)
    for each in found:
        each.statements = _signed(each, name, key)
    if push:
        await _pushed(found, image, _of_index(found, name, key), reading.registries.insecure)
    return found


async def _gathered(
    scanner: Scanner, image: str, platforms: Sequence[str], stated: Stated
) -> list[Attested]:
    """Read all that is to be stated, by manifest."""
    found: dict[str, Attested] = {}
    asked = [Platform.parse(text) for text in platforms] or await scanner.images.platforms(image)
    for platform in asked:
        contents = await scanner.images.contents(image, platform)
        subject = await scanner.images.manifest(image, platform)
        if contents is None or subject is None or not contents.startable:
            continue
        if not all(is_digest(name) for name, _ in contents.layers):
            raise InputError(f"{image} has no digests that statements could name", hint=_DIGESTED)
        about = found.setdefault(subject.digest, Attested(subject, contents))
        about.platforms.append(platform)
        linkage = await scanner.linkage(image, platform)
        about.named = linkage.digest
        needs = await scanner.images.needs(image, platform)
        about.starts.append(stated(linkage, needs))
    return list(found.values())


def _verdict(starts: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The predicate about a start on each platform, and the tool that states it."""
    from elfgate.policy import bundle

    tool = {"elfgate": __version__, "policies": bundle.load().revision}
    return {"version": 1, **tool, "platforms": list(starts)}


def _signed(about: Attested, name: str, key: Signer) -> tuple[Made, ...]:
    verdict = _verdict(about.starts)
    blobs = [layer.encode() for _, layer in about.contents.layers]
    indexes = [
        (layer, Descriptor(INDEX_TYPE, digest_of(blob), len(blob)))
        for (layer, _), blob in zip(about.contents.layers, blobs, strict=True)
    ]
    return (
        Made("verdict", _attestation(about.subject, name, VERDICT, verdict, key=key)),
        Made(
            "facts", _attestation(about.subject, name, FACTS, facts(indexes), key=key, blobs=blobs)
        ),
    )


def _attestation(
    subject: Descriptor,
    name: str,
    kind: str,
    predicate: Mapping[str, Any],
    *,
    key: Signer,
    blobs: Sequence[bytes] = (),
) -> Attestation:
    stated = statement(name, subject.digest, kind, predicate)
    return Attestation(subject, kind, envelope(key, stated), blobs)


def _of_index(found: Sequence[Attested], name: str, key: Signer) -> Mapping[str, bytes]:
    """The verdict about an index, of all its platforms: whoever verifies a tag asks for that.

    By the index's digest; none of an image that has no index.
    """
    named = {each.named for each in found if each.named != each.subject.digest}
    starts = [start for each in found for start in each.starts]
    predicate = _verdict(starts)
    return {digest: envelope(key, statement(name, digest, VERDICT, predicate)) for digest in named}


async def _pushed(
    found: Sequence[Attested],
    image: str,
    of_index: Mapping[str, bytes],
    insecure: Sequence[str],
) -> None:
    """Attach all statements, with the user's own credentials."""
    import aiohttp

    from elfgate.images.addresses import is_loopback_host
    from elfgate.images.docker_config import DockerConfig
    from elfgate.images.upload import Upload
    from elfgate.wiring.locator import docker_config

    reference = _reference(image)
    credentials = DockerConfig.read(docker_config()).find(reference.name)
    host = urlsplit(f"//{reference.registry}").hostname or ""
    plain_http = reference.registry in insecure or is_loopback_host(host)
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session:
        credential = credentials[0] if credentials else None
        upload = Upload(session, reference, credential, plain_http=plain_http)
        try:
            for each in found:
                for made in each.statements:
                    await attach(upload, made.attestation, INDEX_TYPE)
            for digest, stated in of_index.items():
                await tell_cosign(upload, digest, stated, VERDICT)
        except TimeoutError:
            raise InputError(f"{reference.registry} takes too long") from None
        except (aiohttp.ClientError, ValueError) as error:
            raise InputError(f"{reference.registry} cannot be reached: {error}") from None


def _reference(image: str) -> "Reference":
    from elfgate.images.reference import Location

    reference = Location.parse(image).reference
    if reference is None:
        raise InputError(f"{image} is in no registry", hint="attest it where it was pushed to")
    return reference


def _repository(image: str) -> str:
    from elfgate.images.reference import Location

    reference = Location.parse(image).reference
    return reference.familiar_name if reference else image
