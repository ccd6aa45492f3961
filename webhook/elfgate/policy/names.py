"""The names and patterns of names that settings may have: of namespaces, images and workloads.

A pattern has at most one ``*``, which stands for any characters. One that nothing can ever match
is an error, as its owner would take it for a setting that holds.
"""

import re
from collections.abc import Iterator
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field

from elfgate.errors import InputError
from elfgate.images.reference import Reference

SELECTS = "="  # in a key of `namespaces` that is a selector of labels, and in no namespace's name
GOLDEN_NAMESPACE = "elfgate:golden"  # of the known documents; no namespace of a cluster has a colon
KINDS = frozenset(("CronJob", "DaemonSet", "Deployment", "Job", "Pod", "ReplicaSet", "StatefulSet"))
"""Kubernetes' own kinds that make pods."""

_BY_LETTERS = {kind.lower(): kind for kind in KINDS}
_LABEL = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_NAME = re.compile(r"[a-z0-9](?:[-.a-z0-9]{0,251}[a-z0-9])?")
_KIND = re.compile(r"[A-Z][A-Za-z0-9]*")
_LABEL_NAME = re.compile(
    r"([a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?"
)
_LABEL_VALUE = re.compile(r"([A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?)?")
_DIGITS = {"sha256": 64, "sha512": 128}
_ANY = "a"  # what a star may stand for in a name


def _one_star(text: str) -> str:
    """Take at most one ``*``: a beginning and an end, which cost nothing to match."""
    if text.count("*") > 1:
        raise ValueError(f"{text!r} has more than one *")
    return text


def _namespace(text: str) -> str:
    """Take a namespace's name, or a pattern of names.

    Source: Kubernetes, "Object Names and IDs": a namespace's name is a DNS label (RFC 1123).
    """
    if text != GOLDEN_NAMESPACE and not _matches(_LABEL, text):
        raise ValueError(
            f"{text!r} is no namespace: a name has at most 63 lower-case letters, digits and -"
        )
    return text


def namespace_name(text: str) -> str:
    """Take a namespace's name, and no pattern of names."""
    if "*" in text:
        raise ValueError(f"{text!r} is a pattern: name each namespace here")
    return _namespace(text)


def _namespaces(text: str) -> str:
    """Take a namespace's name, a pattern of names, or a selector of labels."""
    if "=" in text:
        return _selector(text)
    return _namespace(_one_star(text))


def _selector(text: str) -> str:
    """Take ``LABEL=VALUE``, or several with commas between: a value may have one ``*``.

    Source: Kubernetes, "Labels and Selectors", syntax and character set.
    """
    for requirement in text.split(","):
        name, equals, value = requirement.partition("=")
        if not equals or not _LABEL_NAME.fullmatch(name):
            raise ValueError(
                f"{requirement!r} is not a label: write LABEL=VALUE, such as stage=prod"
            )
        if not _matches(_LABEL_VALUE, _one_star(value)):
            raise ValueError(
                f"{value!r} is not a label value: a value has letters, digits, -, _ and ."
            )
    return text


def _image(text: str) -> str:
    """Take an image's name or a pattern of names, as the documents have them.

    Source: distribution/reference; runtimes pass over a tag that stands before a digest.
    """
    text = text.removeprefix("index.") if text.startswith("index.docker.io/") else text
    _check_image(text)
    name, at, digest = text.partition("@")
    slash, colon = name.rfind("/"), name.rfind(":")
    if at and colon > slash and "*" not in name[colon:]:
        name = name[:colon]
    return f"{name}{at}{digest}"


def _check_image(text: str) -> None:
    complaint = ""
    if text.partition(":")[0] in _DIGITS:
        raise ValueError(f"{text!r} is a digest alone: write NAME@{text}, or *@{text}")
    for written in _written_out(text):
        try:
            Reference.parse(written)
        except InputError as error:
            complaint = complaint or error.hint or str(error)
        else:
            return
    raise ValueError(f"{text!r} is not an image: {complaint}")


def _written_out(pattern: str) -> Iterator[str]:
    """A pattern with each of the things in place of its star that may stand there in a name."""
    begin, star, end = pattern.partition("*")
    if not star:
        yield pattern
        return
    whole = f"sha256:{'0' * _DIGITS['sha256']}"
    fillings = ["", _ANY, "a/a", "a:a", "a/a:a", ":", ":a", f"a@{whole}", f"@{whole}"]
    for filling in (*fillings, *_digests(begin, end)):
        yield f"{begin}{filling}{end}"


def _digests(begin: str, end: str) -> Iterator[str]:
    """The rests of a digest of which a pattern has the beginning, the end, or both."""
    for algorithm, digits in _DIGITS.items():
        _, at, begun = begin.rpartition("@")
        head = f"{algorithm}:"
        if not at or head.startswith(begun):
            yield f"{head[len(begun) if at else 0 :]}{'0' * (digits - len(end))}"
        elif begun.startswith(head):
            yield "0" * (digits - len(begun) + len(head) - len(end))


def _repository(text: str) -> str:
    """Take a repository: with a tag or a digest it would be no image's."""
    if "@" in text or ":" in text.rpartition("/")[2]:
        raise ValueError(f"{text!r} is not a repository: leave the tag and the digest out")
    return text


def _workload(text: str) -> str:
    """Take NAME or KIND/NAME: Kubernetes writes kinds in CamelCase and names in lower case.

    A pattern without a slash may be one of both: ``Deployment*``.
    """
    kind, slash, name = text.rpartition("/")
    if not slash and text[:1].isupper() and "*" in text:
        kind, slash, name = text.replace("*", "A/*").rpartition("/")
    if slash and not _KIND.fullmatch(kind.replace("*", "A")):
        raise ValueError(f"{kind!r} is no kind: a kind begins with a capital, as in Deployment/web")
    if not _matches(_NAME, name):
        raise ValueError(f"{name!r} is no name: a name has lower-case letters, digits, - and .")
    _check_kind(kind)
    return text


def kind_of(written: str) -> str:
    """The kind of Kubernetes' own that is meant, however it is written; empty if it is none."""
    letters = written.lower()
    return _BY_LETTERS.get(letters) or _BY_LETTERS.get(letters.removesuffix("s")) or ""


def _check_kind(kind: str) -> None:
    meant = kind_of(kind)
    if meant and meant != kind:
        raise ValueError(f"{kind!r} is no kind: write {meant}")


def _matches(form: re.Pattern[str], pattern: str) -> bool:
    """Whether names of a form can match a pattern."""
    fillings = ("", _ANY)
    return any(form.fullmatch(pattern.replace("*", filling)) for filling in fillings)


def matches(pattern: str, name: str) -> bool:
    """Whether a name is one of a pattern's, as policies tell it (``lib/patterns``)."""
    begin, star, end = pattern.partition("*")
    if not star:
        return name == pattern
    enough = len(name) >= len(begin) + len(end)
    return enough and name.startswith(begin) and name.endswith(end)


Pattern: TypeAlias = Annotated[str, Field(min_length=1, max_length=512), AfterValidator(_one_star)]
NamespacePattern: TypeAlias = Annotated[Pattern, AfterValidator(_namespace)]
NamespaceKey: TypeAlias = Annotated[
    str, Field(min_length=1, max_length=512), AfterValidator(_namespaces)
]
ImagePattern: TypeAlias = Annotated[Pattern, AfterValidator(_image)]
RepositoryPattern: TypeAlias = Annotated[
    Pattern, AfterValidator(_repository), AfterValidator(_image)
]
WorkloadPattern: TypeAlias = Annotated[Pattern, AfterValidator(_workload)]
