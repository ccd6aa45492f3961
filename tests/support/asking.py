"""Asks a loopback registry for one small image, as a scan would."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from elfgate.errors import UnknownReason, UnreadableError
from elfgate.images.auth import Credential
from elfgate.images.docker_config import DockerConfig
from elfgate.images.reference import Reference
from elfgate.images.registry import Registries, RegistryOptions, Repository
from elfgate.images.source import Descriptor, Limits

from .elf_file import elf_file
from .oci import Blob, image
from .registry import Registry
from .tarball import program, tarball

APP = image([tarball({"bin/sh": program(elf_file("amd64"))})])
CONFIG, LAYER = APP.children
PATH = "/v2/example/app"
SECRET = "s3cret"


@contextmanager
def serving(
    *, auth: str = "", username: str = "", password: str = "", expires_in: int = 300
) -> Iterator[Registry]:
    images = {"example/app": {"1.0": APP}}
    with Registry(
        images, auth=auth, username=username, password=password, expires_in=expires_in
    ) as registry:
        yield registry


@contextmanager
def asking(
    registry: Registry,
    *,
    password: str = "",
    limits: Limits | None = None,
    options: RegistryOptions | None = None,
) -> Iterator[Repository]:
    credentials = DockerConfig({registry.host: Credential("user", password)}) if password else None
    registries = Registries(credentials, options=options, limits=limits)
    try:
        yield registries.repository(Reference.parse(registry.reference("example/app")))
    finally:
        registries.close()


def descriptor(blob: Blob) -> Descriptor:
    return Descriptor(blob.media_type, blob.digest, len(blob.data))


def refused(reason: UnknownReason, words: str | None = None) -> AbstractContextManager[object]:
    def is_one_clear_line(error: UnreadableError) -> bool:
        return error.reason is reason and "\n" not in str(error)

    return pytest.raises(UnreadableError, match=words, check=is_one_clear_line)
