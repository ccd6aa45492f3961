"""The manifest that a tag or digest points at: by HEAD, which is no pull, else by GET."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from io import BytesIO

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images import mediatypes
from elfgate.images.api import Api
from elfgate.images.deadline import seconds_left
from elfgate.images.digests import digest_of, is_digest, read_verified
from elfgate.images.encoded import decoded
from elfgate.images.manifest import Index, read_document
from elfgate.images.source import Descriptor, Limits

_DIGEST_HEADER = "docker-content-digest"
_SAME_BY_GET = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.TOO_MANY_REQUESTS})


class Resolver:
    """Resolves names of one repository.

    Args:
        limits: How much is read of an answer.
        short: Makes a heavy document short (``pared``); told which one it is.
    """

    def __init__(self, limits: Limits, short: Callable[[bytes, str], bytes]) -> None:
        self._limits = limits
        self._short = short

    def resolve(self, api: Api, name: str, what: str) -> Descriptor:
        """The manifest that a name points at.

        Args:
            api: The repository's.
            name: A tag or digest.
            what: The manifest, for messages.

        Raises:
            UnreadableError: if it does not say, or says what cannot be.
        """
        path = f"manifests/{name}"
        with api.ask("HEAD", path) as reply:
            if reply.status in _SAME_BY_GET:
                api.check_status(reply, what)
            if HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
                descriptor = _described(name, reply.headers, what)
                if descriptor is not None:
                    return descriptor
        return self._by_get(api, name, path, what)

    def _by_get(self, api: Api, name: str, path: str, what: str) -> Descriptor:
        """For registries that answer HEAD in part, not at all, or with an error where GET works."""
        with api.get(path, what) as reply:
            media_type = mediatypes.essence(reply.headers.get("content-type", ""))
            limit = self._limits.manifest_bytes
            data = reply.read_bounded(limit, what)
            claimed = name if is_digest(name) else _claimed(reply.headers)
            if reply.encoding:
                data = decoded(BytesIO(data), reply.encoding, claimed, what, limit).getvalue()
        if media_type == "text/html" and not data.lstrip().startswith(b"{"):
            message = f"{what} cannot be had: the registry answers with a web page"
            raise UnreadableError(message, reason=UnknownReason.REGISTRY_UNREACHABLE)
        digest = claimed or digest_of(data)
        read_verified(
            BytesIO(data), digest=digest, size=0, what=what, limit=len(data), seconds=seconds_left()
        )
        return Descriptor(self._kind(data, media_type, digest, what), digest, len(data))

    def _kind(self, data: bytes, told: str, digest: str, what: str) -> str:
        """The media type of a manifest; by what it is, if what is told is none."""
        if told in mediatypes.INDEXES | mediatypes.MANIFESTS:
            return told
        short = self._short(data, what)
        document = read_document(short, Descriptor(told, digest), limits=self._limits)
        if isinstance(document, Index):
            return mediatypes.OCI_INDEX
        return mediatypes.OCI_MANIFEST


def _described(name: str, headers: Mapping[str, str], what: str) -> Descriptor | None:
    """The descriptor that a manifest's headers give, or None if they give too little.

    A digest that the headers claim is believed until the document is read, and then verified.
    """
    media_type = mediatypes.essence(headers.get("content-type", ""))
    digest = _claimed(headers) or name
    if is_digest(name) and digest.partition(":")[0] != name.partition(":")[0]:
        digest = name  # asked for by sha512, registries answer with the sha256
    if is_digest(name) and digest != name:
        raise UnreadableError(
            f"{what} does not match its digest: {digest[:80]}", reason=UnknownReason.IMAGE_INVALID
        )
    if media_type not in mediatypes.INDEXES | mediatypes.MANIFESTS or not is_digest(digest):
        return None
    # The length is not taken down: registries have sent wrong ones to HEAD, and the digest says
    # more.
    return Descriptor(media_type, digest)


def _claimed(headers: Mapping[str, str]) -> str:
    """The digest that the headers claim; empty if none, or several."""
    claims = {claim.strip() for claim in headers.get(_DIGEST_HEADER, "").split(",")}
    return claims.pop() if len(claims) == 1 else ""
