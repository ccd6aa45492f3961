"""Names of images: what a pod writes, and what a person may name on the command line.

Source: distribution/reference (its grammar, and how Docker, containerd and the kubelet complete a
short name).
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from elfgate.errors import InputError
from elfgate.images.digests import is_digest

DEFAULT_REGISTRY = "docker.io"
_DEFAULT_NAMESPACE = "library/"
_DEFAULT_TAG = "latest"
_LEGACY_DEFAULT_REGISTRY = "index.docker.io"
_LONGEST = 4096
_LONGEST_REPOSITORY = 255
_REMEMBERED = (
    1024  # a review's images are parsed for each platform, and most reviews name the same few
)

_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_HOST = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REPOSITORY = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_IDENTIFIER = re.compile(r"[a-f0-9]{64}")


@dataclass(frozen=True, slots=True)
class Reference:
    """An image in a registry, completed as the container runtimes complete it.

    Attributes:
        registry: Host and port, such as ``docker.io`` or ``localhost:5000``.
        repository: Path within the registry, such as ``library/alpine``.
        tag: Empty if a digest is given without one.
        digest: Empty if not given; where it is given, it decides and the tag is decoration.
    """

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @classmethod
    @lru_cache(_REMEMBERED)
    def parse(cls, text: str) -> "Reference":
        """Read a reference in any of its forms: ``alpine``, ``host:5000/a/b:tag@sha256:…``.

        Raises:
            InputError: if it is none, saying which part is wrong.
        """
        if not text or len(text) > _LONGEST:
            raise _invalid(
                text, "it is empty" if not text else f"it is longer than {_LONGEST} characters"
            )
        if _IDENTIFIER.fullmatch(text):
            raise _invalid(text, "64 hexadecimal digits would be taken for an image's identifier")
        name, at, digest = text.partition("@")
        if at and not is_digest(digest):
            raise _invalid(text, f"{digest!r} is not a sha256 or sha512 digest")
        name, tag = _split_tag(text, name)
        registry, repository = _split_registry(name)
        _check_name(text, registry, repository)
        return cls(registry, repository, tag or ("" if digest else _DEFAULT_TAG), digest)

    def __str__(self) -> str:
        return f"{self.name}{self._suffix}"

    @property
    def name(self) -> str:
        """Registry and repository: ``docker.io/library/alpine``."""
        return f"{self.registry}/{self.repository}"

    @property
    def familiar(self) -> str:
        """The short form that people write.

        ``alpine:3.20`` for ``docker.io/library/alpine:3.20``.
        """
        return f"{self.familiar_name}{self._suffix}"

    @property
    def familiar_name(self) -> str:
        """The familiar name without tag and digest: ``alpine``."""
        if self.registry != DEFAULT_REGISTRY:
            return self.name
        short = self.repository.removeprefix(_DEFAULT_NAMESPACE)
        # "library/a/b" must keep its prefix: "a/b" would be another repository.
        return self.repository if "/" in short else short

    @property
    def target(self) -> str:
        """The target to ask the registry for: the digest if there is one, else the tag."""
        return self.digest or self.tag

    @property
    def _suffix(self) -> str:
        return (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


_ELSEWHERE = {  # transports of skopeo and podman that need a daemon or a store, and what to write
    "containers-storage": "podman save {0} | elfgate scan docker-archive:-",
    "docker-daemon": "docker save {0} | elfgate scan docker-archive:-",
    "docker": "write {0}",
    "ostree": "copy it with skopeo to oci:DIR",
    "sif": "copy it with skopeo to oci:DIR",
}


class Transport(StrEnum):
    """The place of an image, as the prefix of a location says.

    The words are those that skopeo and podman use.
    """

    REGISTRY = "registry"
    OCI = "oci"
    OCI_ARCHIVE = "oci-archive"
    DOCKER_ARCHIVE = "docker-archive"
    DIR = "dir"
    FILE = "file"


@dataclass(frozen=True, slots=True)
class Location:
    """An image named on the command line.

    Attributes:
        transport: Where it is.
        path: The folder or file; empty for a registry.
        name: What to ask its source for: a tag, a digest, or empty for the only image.
        reference: The registry's reference, if it is in one.
    """

    transport: Transport
    path: str = ""
    name: str = ""
    reference: Reference | None = None

    @classmethod
    @lru_cache(_REMEMBERED)
    def parse(cls, text: str) -> "Location":
        """Read a registry's reference, or a path behind the name of its transport.

        Those are ``oci:DIR[:TAG]``, ``oci-archive:FILE[:TAG]``, ``docker-archive:FILE[:NAME]``,
        ``dir:ROOTFS`` and ``file:PROGRAM``; the file ``-`` is standard input. As with skopeo and
        podman, a path ends at its first colon, except for ``dir:`` and ``file:``, which take no
        name. A digest may follow behind an ``@``, as in a reference: it counts, and a tag before it
        does not.

        Raises:
            InputError: if it is none of them.
        """
        prefix, colon, rest = text.partition(":")
        if colon and prefix in _ELSEWHERE:
            raise InputError(
                f"image {text[:200]!r} is where elfgate does not read",
                hint=_ELSEWHERE[prefix].format(rest.removeprefix("//")[:200]),
            )
        if is_path(text):
            raise InputError(
                f"{text[:200]} is a path",
                hint="write file:PATH for a program, dir:PATH for a root file system, or "
                "oci:PATH for an image layout",
            )
        if not colon or prefix not in set(Transport) - {Transport.REGISTRY}:
            reference = Reference.parse(text)
            return cls(Transport.REGISTRY, name=reference.target, reference=reference)
        transport = Transport(prefix)
        is_nameless = transport in (Transport.DIR, Transport.FILE)
        path, name = (rest, "") if is_nameless else _split_path(rest)
        if not path:
            raise InputError(f"image {text!r} names no path", hint=f"write it like {prefix}:PATH")
        return cls(transport, path=path, name=name)

    def __str__(self) -> str:
        if self.reference is not None:
            return str(self.reference)
        return f"{self.transport}:{self.path}" + (f":{self.name}" if self.name else "")


def is_path(text: str) -> bool:
    """Tell whether a text looks like a path, which no registry's reference does."""
    return text in {".", ".."} or text.startswith(("/", "./", "../"))


def pulled_name(image: str) -> str:
    """The reference that a node pulls for a pod's ``image``.

    It is never taken for a path of this machine.

    Raises:
        InputError: if it is no reference.
    """
    reference = Reference.parse(image)
    is_location = image.partition(":")[0] in {*Transport, *_ELSEWHERE}
    return str(reference) if is_location else image


def spellings(name: str) -> frozenset[str]:
    """Every way to ask for what a layout or an archive calls ``name``, its tag alone included."""
    if "/" not in name and ":" not in name:
        return frozenset({name})  # a bare tag, as layouts have it
    try:
        reference = Reference.parse(name)
    except InputError:
        return frozenset(
            {name}
        )  # what a layout may call its images is wider than a reference's grammar
    return frozenset({name, reference.tag, reference.familiar, str(reference)}) - {""}


def _split_path(text: str) -> tuple[str, str]:
    """Split a path from the tag, name or digest behind it."""
    before, at, digest = text.rpartition("@")
    if at and is_digest(digest):
        return before.partition(":")[0], digest
    path, _, name = text.partition(":")
    return path, name


def _split_tag(text: str, name: str) -> tuple[str, str]:
    """Split at the colon behind the last slash: one before it belongs to a port."""
    slash = name.rfind("/")
    colon = name.rfind(":")
    if colon <= slash:
        return name, ""
    tag = name[colon + 1 :]
    if not _TAG.fullmatch(tag):
        raise _invalid(text, f"{tag!r} is not a tag")
    return name[:colon], tag


def _split_registry(name: str) -> tuple[str, str]:
    """Tell the registry from the repository as Docker does.

    By a dot, a colon, an upper-case letter, or localhost.
    """
    first, slash, rest = name.partition("/")
    if not slash:
        return DEFAULT_REGISTRY, _DEFAULT_NAMESPACE + name
    if first == _LEGACY_DEFAULT_REGISTRY:
        first = DEFAULT_REGISTRY
    elif first != "localhost" and not set(first) & {".", ":"} and first == first.lower():
        first, rest = DEFAULT_REGISTRY, name
    if first == DEFAULT_REGISTRY and "/" not in rest:
        rest = _DEFAULT_NAMESPACE + rest
    return first, rest


def _check_name(text: str, registry: str, repository: str) -> None:
    if not _HOST.fullmatch(registry):
        raise _invalid(text, f"{registry!r} is not a host name")
    if repository != repository.lower():
        raise _invalid(text, "a repository's name is in lower case")
    if not _REPOSITORY.fullmatch(repository):
        raise _invalid(text, f"{repository!r} is not a repository's name")
    if len(repository) > _LONGEST_REPOSITORY:
        raise _invalid(text, f"a repository's name has at most {_LONGEST_REPOSITORY} characters")


def _invalid(text: str, why: str) -> InputError:
    return InputError(f"image reference {text[:200]!r} is not valid", hint=why)
