"""Indexes, manifests and configs.

JSON from anywhere → what of it matters, or one line saying what is wrong with it.

Sources: OCI image spec 1.1 (image index, manifest, config), Docker's image manifest version 2
schema 2. Keys and odd texts count as the runtimes' own decoder (Go's encoding/json) has them.
"""

from base64 import b64decode
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from pydantic import Field, ValidationError

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images import mediatypes
from elfgate.images.digests import FOLDER, is_digest, matches, short
from elfgate.images.lenient import Model, Text, loaded
from elfgate.images.mediatypes import LayerType
from elfgate.images.source import Descriptor, Limits
from elfgate.linkage.inputs import ImageDefaults
from elfgate.platforms import Platform

ATTESTATION = (
    "vnd.docker.reference.type"  # BuildKit: an entry that is no image but says something of one
)
_PARTS = frozenset({"manifests", "config", "layers"})  # of an index, of a manifest
_MOST_LAYERS = 1_000  # overlayfs takes some 500


@dataclass(frozen=True, slots=True)
class Index:
    """Images of several platforms under one name; attestations left out."""

    entries: tuple[Descriptor, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """One image.

    Attributes:
        config: Where its config is.
        layers: Bottom first.
        artifact: It is no image: there is nothing to start (a chart, a signature, a model).
    """

    config: Descriptor
    layers: tuple[Descriptor, ...]
    artifact: bool = False


@dataclass(frozen=True, slots=True)
class Config:
    """An image's own description of itself.

    Attributes:
        platform: Its label, which may lie.
        defaults: How it wants to be started.
        diff_ids: The digests of its unpacked layers, bottom first.
    """

    platform: Platform
    defaults: ImageDefaults
    diff_ids: tuple[str, ...] = ()


class _Platform(Model):
    os: str = ""
    architecture: str = ""
    variant: str = ""

    def result(self) -> Platform:
        return Platform(self.os or "linux", self.architecture, self.variant)


class _Descriptor(Model):
    media_type: str = Field(default="", alias="mediaType")
    digest: str = ""
    size: Annotated[int, Field(ge=0)] = 0
    platform: _Platform | None = None
    annotations: dict[str, Text] = Field(default_factory=dict)
    data: str = ""

    def checked(self, default_type: str) -> Descriptor:
        """The descriptor, of whose digest something can be made."""
        if not is_digest(self.digest) and not self.digest.startswith(FOLDER):
            raise _invalid(
                f"a descriptor names {self.digest[:80]!r}, which is not a sha256 or sha512 digest"
            )
        return self.result(default_type)

    def result(self, default_type: str) -> Descriptor:
        """The descriptor, whatever its digest is."""
        return Descriptor(
            media_type=self.media_type or default_type,
            digest=self.digest,
            size=self.size,
            platform=self.platform.result()
            if self.platform and self.platform.architecture
            else None,
            annotations=self.annotations,
            data=self._carried(),
        )

    def _carried(self) -> str:
        """The content in base64, if the descriptor has it.

        Source: containerd's ``remotes.Fetch``, which then asks no registry.
        """
        try:
            content = b64decode(self.data)
        except ValueError:
            return ""
        is_content = len(content) == self.size and is_digest(self.digest)
        return self.data if is_content and matches(content, self.digest) else ""


class _Index(Model):
    manifests: list[_Descriptor] = Field(default_factory=list)


class _Manifest(Model):
    config: _Descriptor
    layers: list[_Descriptor] = Field(default_factory=list)


class _Start(Model):
    entrypoint: list[Text] = Field(default_factory=list, alias="Entrypoint")
    cmd: list[Text] = Field(default_factory=list, alias="Cmd")
    env: list[Text] = Field(default_factory=list, alias="Env")
    working_dir: str = Field(default="", alias="WorkingDir")
    user: str = Field(default="", alias="User")


class _Layers(Model):
    diff_ids: list[Text] = Field(default_factory=list)


class _Config(_Platform):
    config: _Start = Field(default_factory=_Start)
    rootfs: _Layers = Field(default_factory=_Layers)


def read_document(
    data: bytes, descriptor: Descriptor, *, limits: Limits, what: str = ""
) -> Index | Manifest:
    """Read an index or a manifest, told apart by what it holds.

    Args:
        data: Its verified bytes.
        descriptor: What they were fetched by.
        limits: How many entries an index may have.
        what: What messages call it, if not by the descriptor's digest.

    Raises:
        UnreadableError: IMAGE_INVALID if it is neither; IMAGE_UNSUPPORTED for schema 1 and for
            layers that are encrypted or of an unknown type; LIMIT_EXCEEDED for too many entries.
    """
    what = what or f"manifest {short(descriptor.digest)}"
    document = json_object(data, what)
    said = {key.lower(): value for key, value in document.items()}
    is_first = said.get("schemaversion") == 1 and said.keys().isdisjoint(_PARTS)
    if is_first or "fslayers" in said:
        raise UnreadableError(
            f"{what} is of Docker's schema 1, which container runtimes no longer pull",
            reason=UnknownReason.IMAGE_UNSUPPORTED,
            hint="build and push the image again",
        )
    is_index = "manifests" in said
    if is_index == ("config" in said or "layers" in said):
        # Both: two clients would see two images in one digest (CVE-2021-41190). Neither: it is
        # something else.
        raise _invalid(
            f"{what} is {'both' if is_index else 'neither'} an index "
            f"{'and' if is_index else 'nor'} a manifest"
        )
    try:
        if is_index:
            return _index(_Index.model_validate(document), what, limits)
        return _manifest(_Manifest.model_validate(document), what)
    except ValidationError as error:
        raise _invalid(f"{what} is malformed: {first_line(error)}") from error


def entries_of(data: bytes, what: str) -> tuple[Descriptor, ...]:
    """All entries of an index in order, of whatever kind.

    Raises:
        UnreadableError: IMAGE_INVALID if it is none.
    """
    try:
        index = _Index.model_validate(json_object(data, what))
    except ValidationError as error:
        raise _invalid(f"{what} is malformed: {first_line(error)}") from error
    return tuple(entry.result(mediatypes.OCI_MANIFEST) for entry in index.manifests)


def read_config(data: bytes, descriptor: Descriptor) -> Config:
    """Read an image's config.

    Raises:
        UnreadableError: IMAGE_INVALID if it is none.
    """
    what = f"config {short(descriptor.digest)}"
    try:
        config = _Config.model_validate(json_object(data, what))
    except ValidationError as error:
        raise _invalid(f"{what} is malformed: {first_line(error)}") from error
    start = config.config
    defaults = ImageDefaults(
        entrypoint=tuple(start.entrypoint),
        cmd=tuple(start.cmd),
        env=dict(variable.split("=", 1) for variable in start.env if "=" in variable),
        working_dir=start.working_dir,
        user=start.user,
    )
    return Config(config.result(), defaults, tuple(config.rootfs.diff_ids))


def json_object(data: bytes, what: str) -> dict[str, Any]:
    """The JSON object that a document is.

    Raises:
        UnreadableError: IMAGE_INVALID if it is none.
    """
    try:
        document = loaded(data)
    except orjson.JSONDecodeError as error:
        raise _invalid(f"{what} is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise _invalid(f"{what} is not a JSON object")
    return document


def _index(document: _Index, what: str, limits: Limits) -> Index:
    if len(document.manifests) > limits.index_entries:
        raise UnreadableError(
            f"{what} lists {len(document.manifests)} images, over the limit of "
            f"{limits.index_entries}",
            reason=UnknownReason.LIMIT_EXCEEDED,
        )
    # A digest that cannot be verified matters where its entry is chosen, and nowhere else.
    entries = (entry.result(mediatypes.OCI_MANIFEST) for entry in document.manifests)
    return Index(tuple(entry for entry in entries if not _is_attestation(entry)))


def _is_attestation(entry: Descriptor) -> bool:
    unknown = (
        entry.platform is not None and entry.platform.architecture == entry.platform.os == "unknown"
    )
    return unknown or ATTESTATION in entry.annotations


def _manifest(document: _Manifest, what: str) -> Manifest:
    # The config's type decides, not artifactType: runtimes start an image that carries one.
    config = document.config.checked(mediatypes.OCI_CONFIG)
    layers = tuple(layer.checked(mediatypes.OCI_LAYER) for layer in document.layers)
    if config.media_type not in mediatypes.CONFIGS:
        return Manifest(config, layers, artifact=True)
    if len(layers) > _MOST_LAYERS:
        raise UnreadableError(
            f"{what} has {len(layers)} layers", reason=UnknownReason.LIMIT_EXCEEDED
        )
    for layer in layers:
        _check_layer(layer, what)
    return Manifest(config, layers)


def _check_layer(layer: Descriptor, what: str) -> None:
    problem = {
        LayerType.READABLE: "",
        LayerType.FOREIGN: "",  # it may be here all the same
        LayerType.ENCRYPTED: "is encrypted",
        LayerType.UNKNOWN: f"has the unknown media type {layer.media_type[:100]!r}",
    }[mediatypes.layer_type(layer.media_type)]
    if problem:
        raise UnreadableError(
            f"layer {short(layer.digest)} of {what} {problem}",
            reason=UnknownReason.IMAGE_UNSUPPORTED,
        )


def if_foreign(layer: Descriptor, error: UnreadableError) -> UnreadableError:
    """The error of a layer that cannot be read.

    A foreign one may be where its manifest is, and need not be.

    Source: containerd's and CRI-O's fetchers, which ask the image's registry for it as well.

    Args:
        layer: The layer.
        error: What its source says.
    """
    is_foreign = mediatypes.layer_type(layer.media_type) is LayerType.FOREIGN
    if not is_foreign or error.reason is not UnknownReason.IMAGE_NOT_FOUND:
        return error
    message = f"layer {short(layer.digest)} is kept elsewhere (a foreign layer)"
    return UnreadableError(message, reason=UnknownReason.IMAGE_UNSUPPORTED)


def first_line(error: ValidationError) -> str:
    """The first thing that is wrong with a document, and where."""
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else first["msg"]


def _invalid(message: str) -> UnreadableError:
    return UnreadableError(message, reason=UnknownReason.IMAGE_INVALID)
